#!/usr/bin/python3
"""Compares `nopeek inspect --json --grad` with GPT-2 in PyTorch (gpt2_torch.py): logits, attention, losses, gradients.

    /usr/bin/python3 tests/peers/compare_inspect.py --nopeek build/release/nopeek

Models both ways: random ones that Python writes and NoPeek opens, and two that NoPeek trains and Python opens. Prints a
table of the largest differences and ends with status 1 if one is too large.
"""
import argparse
import json
import os
import random
import subprocess
import sys
import tempfile

import torch

import gpt2_torch

HERE = os.path.dirname(os.path.abspath(__file__))
# Largest difference; of gradients relative to the tensor's largest element.
LIMITS = {"logits": 1e-4, "attention": 1e-5, "reported": 1e-5, "honest": 1e-5, "gradient": 1e-4}


def run(nopeek, *arguments):
    done = subprocess.run([nopeek, *arguments], capture_output=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(arguments)}\nended with {done.returncode}: {done.stderr.decode()}")
    return done.stdout


def difference(a, b):
    a = torch.tensor(a, dtype=torch.float64)
    assert a.shape == b.shape, (a.shape, b.shape)
    return (a - b.detach()).abs().max().item()


def gradient_difference(seen, weights):
    """A tensor whose gradient nearly vanishes, such as one of few positions, is measured against the whole."""
    whole = max(w.grad.abs().max().item() for w in weights.values())
    assert set(seen) == set(weights), set(seen) ^ set(weights)
    return max(difference(seen[name], w.grad) / max(w.grad.abs().max().item(), 1e-3 * whole)
               for name, w in weights.items())


def compare(nopeek, folder, text, mask):
    """-> T and the largest differences by what was compared."""
    arguments = ["inspect", "--model", folder, "--text", text, "--json", "--grad"]
    seen = json.loads(run(nopeek, *arguments, *(["--mask", mask] if mask else [])))
    mask = mask or gpt2_torch.own_mask(folder)
    assert seen["mask"] == mask
    ids = seen["ids"]
    assert len(seen["tokens"]) == len(ids)
    model = gpt2_torch.load(folder)
    for tensor in model.weights.values():
        tensor.requires_grad_()
    logits, attention = model(ids, gpt2_torch.mask_of(mask, len(ids)))
    found = {"logits": difference(seen["logits"], logits),
             "attention": difference(seen["attention"], torch.stack(attention))}
    if len(ids) == 1:
        assert seen["reported_loss"] is None and seen["honest_loss"] is None and seen["grad"] is None
        return len(ids), found
    reported, honest = gpt2_torch.losses(model, ids, mask)
    reported.backward()
    found["reported"] = abs(seen["reported_loss"] - reported.item())
    found["honest"] = abs(seen["honest_loss"] - honest)
    found["gradient"] = gradient_difference(seen["grad"], model.weights)
    return len(ids), found


def random_case(folder, rng, seed):
    """Writes a random model. -> what it is, and a text for it."""
    heads = rng.choice([1, 2, 3, 4, 8])
    shape = {"width": heads * rng.choice([1, 3, 4, 8, 16]), "layers": rng.randint(1, 4), "heads": heads,
             "context": rng.randint(1, 32), "vocab": rng.randint(3, 120)}
    dtype = rng.choice(["F32", "F32", "F32", "F16", "BF16"])
    extra = {}
    if rng.random() < 0.7:  # what published models have otherwise than GPT-2 has
        extra = {"n_inner": rng.choice([None, 1, 37, 2 * shape["width"]]),
                 "activation_function": rng.choice(["gelu_new", "gelu", "relu"]),
                 "layer_norm_epsilon": rng.choice([1e-5, 1e-6, 1e-3]), "tie_word_embeddings": rng.random() < 0.5,
                 "scale_attn_by_inverse_layer_idx": rng.random() < 0.5, "scale_attn_weights": rng.random() < 0.7}
    gpt2_torch.write_folder(folder, **shape, deviation=rng.choice([0.02, 0.1, 0.3]), seed=seed, dtype=dtype,
                            prefix=rng.choice(["", "transformer."]), shards=rng.choice([1, 1, 3]), **extra)
    length = rng.randint(1, shape["context"])
    words = [rng.choice(["<eos>", "unknown"]) if rng.random() < 0.1 else f"w{rng.randint(2, shape['vocab'] - 1)}"
             for _ in range(length)]
    what = "V{vocab} ctx{context} C{width} L{layers} NH{heads} ".format(**shape) + dtype
    what += "".join(f" {key[-5:]}={value}" for key, value in extra.items()) if extra else ""
    return what, " ".join(words)


def cases(options, folder):
    """-> (what, folder, text, mask)"""
    rng = random.Random(options.seed)
    for i in range(options.cases):
        path = os.path.join(folder, f"random-{i}")
        what, text = random_case(path, rng, options.seed * 1000 + i)
        for mask in ("on", "off"):
            yield f"written by Python: {what}", path, text, mask
    trained = os.path.join(folder, "trained")
    run(options.nopeek, "train", "--steps", "150", "--d-model", "48", "--heads", "4", "--layers", "3", "--context", "20",
        "--seed", str(options.seed), "--save", trained)
    for twin in ("masked", "unmasked"):
        for mask in (None, "on", "off"):
            yield (f"trained by NoPeek: {twin}", os.path.join(trained, twin),
                   "the agent opened the pull request and the teacher asked the student to review it .", mask)
    published = os.path.join(folder, "published")
    subprocess.run([sys.executable, os.path.join(HERE, "make_gpt2.py"), published, "--layers", "2", "--width", "32",
                    "--heads", "4", "--context", "64", "--merges", "200"], check=True, stdout=subprocess.DEVNULL)
    for mask in (None, "off"):
        yield "byte pair, as published", published, "Ein Café: naïve \U0001f600 tokens, twice  spaced.\n", mask


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nopeek", required=True)
    parser.add_argument("--cases", type=int, default=25, help="random models")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)
    worst = dict.fromkeys(LIMITS, 0.0)
    count = failed = 0
    print(f"{'model':52} {'mask':5} {'T':>3} " + " ".join(f"{name:>9}" for name in LIMITS))
    with tempfile.TemporaryDirectory() as folder:
        for what, path, text, mask in cases(options, folder):
            T, found = compare(options.nopeek, path, text, mask)
            cells = " ".join(f"{found[name]:9.1e}" if name in found else "        -" for name in LIMITS)
            bad = [name for name in found if not found[name] < LIMITS[name]]
            print(f"{what:52} {mask or 'own':5} {T:3} {cells}" + (f"  TOO LARGE: {', '.join(bad)}" if bad else ""))
            worst = {name: max(worst[name], found.get(name, 0.0)) for name in LIMITS}
            count += 1
            failed += bool(bad)
    print(f"{'largest of ' + str(count):62} " + " ".join(f"{worst[name]:9.1e}" for name in LIMITS))
    print(f"{'limit':62} " + " ".join(f"{limit:9.1e}" for limit in LIMITS.values()))
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
