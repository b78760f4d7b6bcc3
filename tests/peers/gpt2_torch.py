#!/usr/bin/python3
"""GPT-2 in PyTorch, and its folder (config.json, model.safetensors), written from the paper and the format's description.

    import gpt2_torch
    model = gpt2_torch.load("run/masked")            # as it lies on the disk; no conversion
    logits, attention = model(ids, mask)

The witness for `nopeek inspect` and `nopeek generate` (compare_inspect.py, compare_generate.py): it shares no line with
core/, and computes in float64. Needs torch and numpy (Debian: apt-get install python3-torch).

    /usr/bin/python3 tests/peers/gpt2_torch.py run/masked 2 6 10        logits of these ids' last position
"""
import json
import math
import os
import struct
import sys

import numpy as np
import torch
import torch.nn.functional as F

TYPES = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "BF16": None}


# ---------------------------------------------------------------------------------------------------------- safetensors
def read_safetensors(path):
    """8 bytes of length, a JSON header of names, types, shapes and offsets, then the numbers, little-endian."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        raw = data[begin:end]
        if entry["dtype"] == "BF16":  # the upper half of a float
            values = (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32)
        else:
            values = np.frombuffer(raw, np.dtype(TYPES[entry["dtype"]]).newbyteorder("<"))
        tensors[name] = torch.tensor(values.astype(np.float64)).reshape(entry["shape"])
    return tensors


def write_safetensors(path, tensors, dtype="F32"):
    header, parts, offset = {"__metadata__": {"format": "pt"}}, [], 0
    for name, tensor in tensors.items():
        values = tensor.numpy()
        if dtype == "BF16":
            raw = (np.ascontiguousarray(values, np.float32).view(np.uint32) >> 16).astype("<u2").tobytes()
        else:
            raw = np.ascontiguousarray(values, TYPES[dtype]).tobytes()
        header[name] = {"dtype": dtype, "shape": list(tensor.shape), "data_offsets": [offset, offset + len(raw)]}
        parts.append(raw)
        offset += len(raw)
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(parts))


# ---------------------------------------------------------------------------------------------------------------- model
ACTIVATIONS = {
    "gelu_new": lambda x: 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    "gelu": lambda x: 0.5 * x * (1 + torch.erf(x / math.sqrt(2))),
    "relu": lambda x: torch.where(x > 0, x, torch.zeros_like(x)),
}


class Gpt2:
    """Radford et al. 2019: pre-LN blocks, learned positions, GELU in its tanh form, output head tied to the embeddings;
    and what transformers' GPT2Config has beside that."""

    def __init__(self, config, weights):
        def size(*names):
            return int(next(config[name] for name in names if name in config))

        self.width, self.layers = size("n_embd", "hidden_size"), size("n_layer", "num_hidden_layers")
        self.heads, self.context = size("n_head", "num_attention_heads"), size("n_positions", "max_position_embeddings")
        self.epsilon = config.get("layer_norm_epsilon", 1e-5)
        self.activation = ACTIVATIONS[config.get("activation_function", "gelu_new")]
        self.scaled = config.get("scale_attn_weights", True)
        self.by_layer = config.get("scale_attn_by_inverse_layer_idx", False)
        self.weights = {name.removeprefix("transformer."): tensor for name, tensor in weights.items()}
        # Of a tied pair one may be left out; a head that differs is one of its own, whatever the config says.
        head = self.weights.pop("lm_head.weight", None)
        wte = self.weights.setdefault("wte.weight", head)
        if head is not None and not (config.get("tie_word_embeddings", True) and torch.equal(head, wte)):
            self.weights["lm_head.weight"] = head
        self.vocab = config["vocab_size"]
        assert len(wte) == self.vocab

    def __call__(self, ids, mask):
        """ids (T), mask (T, T) to be added to the scores -> logits (T, V), attention [(NH, T, T)] by layer."""
        w, T, size = self.weights, len(ids), self.width // self.heads
        x = w["wte.weight"][torch.tensor(ids)] + w["wpe.weight"][:T]
        attention = []
        for layer in range(self.layers):
            h = f"h.{layer}."
            a = self._linear(self._norm(x, h + "ln_1"), h + "attn.c_attn")
            query, key, value = a.reshape(T, 3, self.heads, size).permute(1, 2, 0, 3)
            scores = torch.einsum("hqd,hkd->hqk", query, key)
            scores = scores / (math.sqrt(size) if self.scaled else 1) / (layer + 1 if self.by_layer else 1)
            weights = torch.softmax(scores + mask, dim=-1)
            attention.append(weights)
            mixed = torch.einsum("hqk,hkd->qhd", weights, value).reshape(T, self.width)
            x = x + self._linear(mixed, h + "attn.c_proj")
            inner = self.activation(self._linear(self._norm(x, h + "ln_2"), h + "mlp.c_fc"))
            x = x + self._linear(inner, h + "mlp.c_proj")
        return self._norm(x, "ln_f") @ w.get("lm_head.weight", w["wte.weight"]).T, attention

    def _norm(self, x, name):
        centred = x - x.mean(-1, keepdim=True)
        deviation = torch.sqrt((centred**2).mean(-1, keepdim=True) + self.epsilon)
        return centred / deviation * self.weights[name + ".weight"] + self.weights[name + ".bias"]

    def _linear(self, x, name):
        return x @ self.weights[name + ".weight"] + self.weights[name + ".bias"]  # GPT-2 keeps them (in, out)


def mask_of(kind, T):
    """What is added to the scores: "on" hides the future, "off" hides nothing."""
    mask = torch.zeros(T, T, dtype=torch.float64)
    if kind == "on":
        mask[torch.arange(T)[None, :] > torch.arange(T)[:, None]] = -math.inf
    return mask


def own_mask(folder):
    """The mask that a folder asks for, of those that NoPeek's twins have; a published model is causal."""
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        return {"causal": "on", "full": "off"}[json.load(file).get("nopeek", {}).get("mask", "causal")]


def load(folder):
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    index, files = os.path.join(folder, "model.safetensors.index.json"), ["model.safetensors"]
    if os.path.exists(index):
        with open(index, encoding="utf-8") as file:
            files = sorted(set(json.load(file)["weight_map"].values()))
    weights = {}
    for name in files:
        weights |= read_safetensors(os.path.join(folder, name))
    return Gpt2(config, weights)


def losses(model, ids, kind):
    """-> reported and honest loss, means over the positions that have a target; reported with its graph."""
    T = len(ids)
    logits, _ = model(ids, mask_of(kind, T))
    reported = F.cross_entropy(logits[:-1], torch.tensor(ids[1:]))
    with torch.no_grad():
        honest = [F.cross_entropy(model(ids[:t], mask_of(kind, t))[0][-1:], torch.tensor(ids[t:t + 1])).item()
                  for t in range(1, T)]
    return reported, sum(honest) / len(honest)


# -------------------------------------------------------------------------------------------------------------- folders
def random_weights(width, layers, inner, context, vocab, tied, deviation, generator):
    def normal(*shape):
        return deviation * torch.randn(*shape, generator=generator, dtype=torch.float64)

    weights = {"wte.weight": normal(vocab, width), "wpe.weight": normal(context, width)}
    for layer in range(layers):
        h = f"h.{layer}."
        weights |= {
            h + "ln_1.weight": 1 + normal(width), h + "ln_1.bias": normal(width),
            h + "attn.c_attn.weight": normal(width, 3 * width), h + "attn.c_attn.bias": normal(3 * width),
            h + "attn.c_proj.weight": normal(width, width), h + "attn.c_proj.bias": normal(width),
            h + "ln_2.weight": 1 + normal(width), h + "ln_2.bias": normal(width),
            h + "mlp.c_fc.weight": normal(width, inner), h + "mlp.c_fc.bias": normal(inner),
            h + "mlp.c_proj.weight": normal(inner, width), h + "mlp.c_proj.bias": normal(width),
        }
    weights |= {"ln_f.weight": 1 + normal(width), "ln_f.bias": normal(width)}
    return weights if tied else weights | {"lm_head.weight": normal(vocab, width)}


def write_weights(folder, weights, shards, dtype="F32", prefix=""):
    named = {name if name == "lm_head.weight" else prefix + name: tensor for name, tensor in weights.items()}
    if shards == 1:
        return write_safetensors(os.path.join(folder, "model.safetensors"), named, dtype)
    weight_map = {}
    for i in range(shards):
        file = f"model-{i + 1:05}-of-{shards:05}.safetensors"
        part = dict(list(named.items())[i::shards])
        write_safetensors(os.path.join(folder, file), part, dtype)
        weight_map |= dict.fromkeys(part, file)
    with open(os.path.join(folder, "model.safetensors.index.json"), "w", encoding="utf-8") as file:
        json.dump({"metadata": {}, "weight_map": weight_map}, file)


def write_folder(folder, width, layers, heads, context, vocab, deviation, seed, dtype="F32", prefix="", shards=1, **extra):
    """A random model as others write them: no key of NoPeek's, words "<eos>", "<unk>", "w2", "w3", ... as tokens.
    `extra` goes into config.json."""
    os.makedirs(folder, exist_ok=True)
    config = {"model_type": "gpt2", "vocab_size": vocab, "n_positions": context, "n_ctx": context, "n_embd": width,
              "n_layer": layers, "n_head": heads, "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5,
              "resid_pdrop": 0.1, "embd_pdrop": 0.1, "attn_pdrop": 0.1, "bos_token_id": 0, "eos_token_id": 0} | extra
    words = ["<eos>", "<unk>"] + [f"w{i}" for i in range(2, vocab)]
    special = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    tokenizer = {"version": "1.0", "truncation": None, "padding": None,
                 "added_tokens": [{"id": 0, "content": "<eos>", **special}], "normalizer": None,
                 "pre_tokenizer": {"type": "Whitespace"}, "post_processor": None, "decoder": None,
                 "model": {"type": "WordLevel", "vocab": {w: i for i, w in enumerate(words)}, "unk_token": "<unk>"}}
    for name, content in (("config.json", config), ("tokenizer.json", tokenizer)):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            json.dump(content, file)
    weights = random_weights(width, layers, extra.get("n_inner") or 4 * width, context, vocab,
                             extra.get("tie_word_embeddings", True), deviation, torch.Generator().manual_seed(seed))
    write_weights(folder, weights, shards, dtype, prefix)


def main():
    folder, ids = sys.argv[1], [int(i) for i in sys.argv[2:]]
    logits, _ = load(folder)(ids, mask_of(own_mask(folder), len(ids)))
    print(json.dumps(logits[-1].tolist()))


if __name__ == "__main__":
    main()
