#!/usr/bin/python3
"""Writes a GPT-2 folder with random weights in the layout that published models have, to try NoPeek's loader on.

    /usr/bin/python3 tests/peers/make_gpt2.py /tmp/gpt2                      # GPT-2 small: 124 million weights, 498 MB
    /usr/bin/python3 tests/peers/make_gpt2.py /tmp/half --dtype F16 --old
    /usr/bin/python3 tests/peers/make_gpt2.py /tmp/tiny --layers 2 --width 32 --heads 4 --context 64 --merges 200

config.json, model.safetensors, vocab.json and merges.txt (with --tokenizer-json: tokenizer.json instead). The
vocabulary is a byte-level BPE as GPT-2 has it: 256 bytes, the merges, and <|endoftext|>. Needs numpy.
"""
import argparse
import json
import os
import random
import struct

import numpy as np


def byte_characters():
    """GPT-2's way to write each byte as a visible character."""
    visible = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAC + 1), *range(0xAE, 0xFF + 1)]
    hidden = [byte for byte in range(256) if byte not in visible]
    return [chr(byte) for byte in visible] + [chr(256 + i) for i in range(len(hidden))]


def make_vocabulary(merges, rng):
    """Tokens by id, and the merges: each joins two tokens that are there before it, mostly of letters."""
    tokens = byte_characters()
    known = set(tokens)
    letters = list("etaoinshrdlucmfwypvbgkjqxz") + ["\u0120" + c for c in "taoiswcbphfmdrelngu"]
    pairs = []
    for left in letters[26:]:  # a space before a word
        pairs.append((left[0], left[1]))
        known.add(left)
        tokens.append(left)
    pairs = pairs[:merges]
    tokens = tokens[: 256 + merges]
    parts = letters[:26] + tokens[256:]
    while len(pairs) < merges:
        left, right = rng.choice(parts), rng.choice(parts)
        joined = left + right
        if joined in known or "\u0120" in right or len(joined) > 12:
            continue
        known.add(joined)
        tokens.append(joined)
        parts.append(joined)
        pairs.append((left, right))
    return tokens + ["<|endoftext|>"], pairs


def write_tokenizer(folder, tokens, pairs, as_json):
    vocabulary = {token: i for i, token in enumerate(tokens)}
    merges = [f"{left} {right}" for left, right in pairs]
    if not as_json:
        with open(os.path.join(folder, "vocab.json"), "w", encoding="utf-8") as file:
            json.dump(vocabulary, file)
        with open(os.path.join(folder, "merges.txt"), "w", encoding="utf-8") as file:
            file.write("#version: 0.2\n" + "\n".join(merges) + "\n")
        return
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
    end = {"id": len(tokens) - 1, "content": "<|endoftext|>", "single_word": False, "lstrip": False, "rstrip": False,
           "normalized": True, "special": True}
    model = {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": "",
             "end_of_word_suffix": "", "fuse_unk": False, "vocab": vocabulary, "merges": merges}
    with open(os.path.join(folder, "tokenizer.json"), "w", encoding="utf-8") as file:
        json.dump({"version": "1.0", "truncation": None, "padding": None, "added_tokens": [end], "normalizer": None,
                   "pre_tokenizer": level, "post_processor": level, "decoder": level, "model": model}, file)


def shapes(args, vocabulary):
    """Name and shape of each tensor; what starts at 1, at 0, and at random as in GPT-2."""
    C = args.width
    yield "wte.weight", (vocabulary, C)
    yield "wpe.weight", (args.context, C)
    for layer in range(args.layers):
        h = f"h.{layer}."
        if args.old:
            yield h + "attn.bias", (1, 1, args.context, args.context)
            yield h + "attn.masked_bias", ()
        for name, shape in (("ln_1.weight", (C,)), ("ln_1.bias", (C,)), ("attn.c_attn.weight", (C, 3 * C)),
                            ("attn.c_attn.bias", (3 * C,)), ("attn.c_proj.weight", (C, C)), ("attn.c_proj.bias", (C,)),
                            ("ln_2.weight", (C,)), ("ln_2.bias", (C,)), ("mlp.c_fc.weight", (C, 4 * C)),
                            ("mlp.c_fc.bias", (4 * C,)), ("mlp.c_proj.weight", (4 * C, C)), ("mlp.c_proj.bias", (C,))):
            yield h + name, shape
    yield "ln_f.weight", (C,)
    yield "ln_f.bias", (C,)


def make_tensor(name, shape, rng):
    if name.endswith(".attn.masked_bias"):
        return np.float32(-1e4)
    if name.endswith(".attn.bias"):
        return np.tril(np.ones(shape, np.float32))
    values = rng.standard_normal(shape, np.float32) * np.float32(0.02)
    return values + np.float32(1) if ".ln_" in "." + name and name.endswith("weight") else values


def encode(values, dtype):
    if dtype == "F32":
        return values.astype("<f4").tobytes()
    if dtype == "F16":
        return values.astype("<f2").tobytes()
    return (np.ascontiguousarray(values, "<f4").view("<u4") >> 16).astype("<u2").tobytes()  # BF16, cut off


def write_weights(folder, args, vocabulary, rng):
    prefix = "transformer." if args.old else ""
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    size = 4 if args.dtype == "F32" else 2
    listed = list(shapes(args, vocabulary))
    for name, shape in listed:
        end = offset + size * int(np.prod(shape, dtype=np.int64))
        header[prefix + name] = {"dtype": args.dtype, "shape": list(shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(os.path.join(folder, "model.safetensors"), "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, shape in listed:
            file.write(encode(make_tensor(name, shape, rng), args.dtype))


def write_config(folder, args, vocabulary):
    config = {"activation_function": "gelu_new", "architectures": ["GPT2LMHeadModel"], "attn_pdrop": 0.1,
              "bos_token_id": vocabulary - 1, "embd_pdrop": 0.1, "eos_token_id": vocabulary - 1,
              "initializer_range": 0.02, "layer_norm_epsilon": 1e-05, "model_type": "gpt2", "n_ctx": args.context,
              "n_embd": args.width, "n_head": args.heads, "n_layer": args.layers, "n_positions": args.context,
              "resid_pdrop": 0.1, "summary_activation": None, "summary_first_dropout": 0.1,
              "summary_proj_to_labels": True, "summary_type": "cls_index", "summary_use_proj": True,
              "vocab_size": vocabulary}
    with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as file:
        json.dump(config, file, indent=2)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--heads", type=int, default=12)
    parser.add_argument("--context", type=int, default=1024)
    parser.add_argument("--merges", type=int, default=50000)
    parser.add_argument("--dtype", choices=["F32", "F16", "BF16"], default="F32")
    parser.add_argument("--tokenizer-json", action="store_true")
    parser.add_argument("--old", action="store_true", help='names with "transformer." and buffers attn.bias')
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    os.makedirs(args.folder, exist_ok=True)
    tokens, pairs = make_vocabulary(args.merges, random.Random(args.seed))
    write_tokenizer(args.folder, tokens, pairs, args.tokenizer_json)
    write_config(args.folder, args, len(tokens))
    write_weights(args.folder, args, len(tokens), np.random.default_rng(args.seed))


if __name__ == "__main__":
    main()
