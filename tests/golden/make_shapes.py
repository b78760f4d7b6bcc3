#!/usr/bin/python3
"""Golden values for tests/core/model_shapes_test.cpp: what GPT-2 models on people's disks have otherwise than GPT-2 has.

    /usr/bin/python3 tests/golden/make_shapes.py        (Debian: apt-get install python3-torch)

Writes shapes.json beside itself: for each shape its config.json, the tensors of its files, and the logits that the GPT-2
of tests/peers (float64) gives for it. The test writes the same folders and opens them. Weights are not stored: both sides
make them from the tensor's name, in numbers that F32, F16 and BF16 hold exactly.
"""
import json
import pathlib
import sys
import tempfile

import torch

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "peers"))
import gpt2_torch  # noqa: E402

V, T, C, L, NH = 11, 6, 8, 3, 2
BASE = {"model_type": "gpt2", "vocab_size": V, "n_positions": T, "n_embd": C, "n_layer": L, "n_head": NH}
IDS = [3, 1, 4, 10, 5, 9]


def numbers(name, size):
    """Multiples of 1/128 from -1/2 to 1/2, by a generator of Knuth's that the name seeds; around 1 for layer norms."""
    state, values = sum(name.encode()), []
    for _ in range(size):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        values.append(((state >> 40) % 128 - 64) / 128 + (1 if ".ln_" in "." + name and name.endswith("weight") else 0))
    return values


def body(inner=4 * C):
    """Name and shape of each tensor."""
    shapes = {"wte.weight": [V, C], "wpe.weight": [T, C]}
    for layer in range(L):
        h = f"h.{layer}."
        shapes |= {h + "ln_1.weight": [C], h + "ln_1.bias": [C], h + "attn.c_attn.weight": [C, 3 * C],
                   h + "attn.c_attn.bias": [3 * C], h + "attn.c_proj.weight": [C, C], h + "attn.c_proj.bias": [C],
                   h + "ln_2.weight": [C], h + "ln_2.bias": [C], h + "mlp.c_fc.weight": [C, inner],
                   h + "mlp.c_fc.bias": [inner], h + "mlp.c_proj.weight": [inner, C], h + "mlp.c_proj.bias": [C]}
    return shapes | {"ln_f.weight": [C], "ln_f.bias": [C]}


HEAD = {"lm_head.weight": [V, C]}
CASES = [  # name, changes to the config (None: leave the key out), tensors, prefix, type, files
    ("published", {}, body(), "", "F32", 1),
    ("an MLP of twice the width", {"n_inner": 2 * C}, body(2 * C), "", "F32", 1),
    ("an MLP of odd width", {"n_inner": 37}, body(37), "transformer.", "F32", 1),
    ("an MLP of width 1", {"n_inner": 1}, body(1), "", "F32", 1),
    ("gelu by erf", {"activation_function": "gelu"}, body(), "", "F32", 1),
    ("relu", {"activation_function": "relu"}, body(), "", "F32", 1),
    ("scores divided by the layer", {"scale_attn_by_inverse_layer_idx": True, "reorder_and_upcast_attn": True}, body(),
     "", "F32", 1),
    ("scores not scaled", {"scale_attn_weights": False}, body(), "", "F32", 1),
    ("a head of its own", {"tie_word_embeddings": False}, body() | HEAD, "transformer.", "F32", 1),
    ("a head of its own that the config is silent about", {}, body() | HEAD, "transformer.", "F32", 1),
    ("only the head of a tied pair", {}, {k: v for k, v in (HEAD | body()).items() if k != "wte.weight"},
     "transformer.", "F32", 1),
    ("epsilon 1e-6", {"layer_norm_epsilon": 1e-6}, body(), "", "F32", 1),
    ("epsilon of float32", {"layer_norm_epsilon": 9.999999747378752e-06}, body(), "", "F32", 1),
    ("F16 in three files", {}, body(), "transformer.", "F16", 3),
    ("BF16", {}, body(), "", "BF16", 1),
    ("the names that all models share", {"model_type": None, "architectures": ["GPT2LMHeadModel"], "n_embd": None,
     "hidden_size": 8.0, "n_layer": None, "num_hidden_layers": L, "n_head": None, "num_attention_heads": NH,
     "n_positions": None, "max_position_embeddings": T, "eos_token_id": -1}, body(), "", "F32", 1),
    ("all at once", {"n_inner": 5, "activation_function": "relu", "scale_attn_by_inverse_layer_idx": True,
     "scale_attn_weights": False, "tie_word_embeddings": False, "layer_norm_epsilon": 0.01}, body(5) | HEAD,
     "transformer.", "BF16", 2),
]


def weights(tensors):
    return {name: torch.tensor(numbers(name, torch.Size(shape).numel()), dtype=torch.float64).reshape(shape)
            for name, shape in tensors.items()}


def logits_of(config, tensors, prefix, dtype, files):
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "config.json").write_text(json.dumps(config), encoding="utf-8")
        gpt2_torch.write_weights(folder, weights(tensors), files, dtype, prefix)
        return gpt2_torch.load(folder)(IDS, gpt2_torch.mask_of("on", T))[0]


def main():
    out, published = [], None
    for name, changes, tensors, prefix, dtype, files in CASES:
        config = {key: value for key, value in (BASE | changes).items() if value is not None}
        logits = logits_of(config, tensors, prefix, dtype, files)
        published = logits if published is None else published
        # Not to be told from the published one are only other names and types of the same numbers.
        print(f"{name:52} differs from the published one by {(logits - published).abs().max():.1e}")
        out.append({"name": name, "config": config, "prefix": prefix, "dtype": dtype, "files": files,
                    "tensors": tensors, "logits": [[float(f"{x:.9g}") for x in row] for row in logits.tolist()]})
    lines = ",\n".join(json.dumps(case) for case in out)
    (HERE / "shapes.json").write_text(f'{{"ids": {json.dumps(IDS)}, "shapes": [\n{lines}\n]}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()
