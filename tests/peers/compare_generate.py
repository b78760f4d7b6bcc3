#!/usr/bin/python3
"""Compares `nopeek generate --json` with GPT-2 in PyTorch (gpt2_torch.py) and a sampling pipeline in numpy.

    /usr/bin/python3 tests/peers/compare_generate.py --nopeek build/release/nopeek

For each step: the window that was fed, the logits behind it, the model's probabilities and entropy, which tokens were
kept and with what probability, their order, and the token on which u falls. For each run: the text, the same again with
and without KV cache, and greedy. Prints a table and ends with status 1 on any disagreement.
"""
import argparse
import json
import os
import random
import sys
import tempfile

import numpy as np
import torch

import gpt2_torch
from compare_inspect import random_case, run

LIMITS = {"logits": 1e-4, "p_model": 1e-12, "p": 1e-12, "entropy": 1e-9}


def softmax(x):
    e = np.exp(x - x.max())
    return e / e.sum()


def pipeline(logits, temperature, top_k, top_p):
    """logits / T -> top-k -> softmax -> top-p (smallest set that reaches p) -> renormalise. -> order, p by id, kept."""
    order = np.lexsort((np.arange(len(logits)), -logits))  # falling, ties by lower id
    left = order[:1] if temperature == 0 else order[:top_k] if top_k else order
    p = np.zeros(len(logits))
    p[left] = softmax(logits[left] / (temperature or 1))
    if top_p < 1:
        reached = np.cumsum(p[left]) >= top_p
        left = left[: np.argmax(reached) + 1] if reached.any() else left
        cut = np.zeros_like(p)
        cut[left] = p[left] / p[left].sum()
        p = cut
    kept = np.zeros(len(logits), bool)
    kept[left] = True
    return order, p, kept


def require(condition, what):
    if not condition:
        raise AssertionError(what)


def check_step(model, mask, step, text, settings):
    """-> the largest differences of this step; raises where something is not as it must be."""
    start = max(0, len(text) - model.context)
    require(step["position"] == len(text) and step["window_start"] == start, "position")
    require(step["context"] == text[start:], "context")
    with torch.no_grad():
        logits, _ = model(step["context"], gpt2_torch.mask_of(mask, len(step["context"])))
    ids = np.array([c["id"] for c in step["candidates"]])
    require(sorted(ids) == list(range(model.vocab)), "candidates are not all of V")
    seen = np.zeros(model.vocab)
    seen[ids] = [c["logit"] for c in step["candidates"]]
    order, p, kept = pipeline(seen, *settings)
    require((ids == order).all(), "order")
    require([c["kept"] for c in step["candidates"]] == kept[order].tolist(), "kept")
    p_model = softmax(seen)
    # The token on whose stretch u falls.
    stretches = np.cumsum(p[order])
    chosen = order[min(np.searchsorted(stretches, step["u"] * stretches[-1], side="right"), kept.sum() - 1)]
    require(step["chosen"] == chosen, "chosen")
    entropy = -sum(q * np.log(q) for q in p_model if q > 0)
    return {"logits": np.abs(seen - logits[-1].numpy()).max(),
            "p_model": np.abs(p_model[ids] - [c["p_model"] for c in step["candidates"]]).max(),
            "p": np.abs(p[ids] - [c["p"] for c in step["candidates"]]).max(),
            "entropy": abs(entropy - step["entropy"])}


def check_run(nopeek, folder, prompt, settings, count, seed):
    """-> steps and the largest differences."""
    temperature, top_k, top_p = settings
    arguments = ["generate", "--model", folder, f"--prompt={prompt}", "--max-new-tokens", str(count), "--seed", str(seed),
                 "--top-k", str(top_k), "--top-p", str(top_p), "--json"]
    arguments += ["--greedy"] if temperature == 0 else ["--temperature", str(temperature)]
    output = run(nopeek, *arguments)
    require(output == run(nopeek, *arguments), "the same seed gave another document")
    document = json.loads(output)
    plain = json.loads(run(nopeek, *arguments, "--no-kv-cache"))
    require([s["chosen"] for s in plain["steps"]] == [s["chosen"] for s in document["steps"]], "cache on and off")
    require(plain["text"] == document["text"], "cache on and off")
    shown = run(nopeek, *[a for a in arguments if a != "--json"]).decode()
    require(shown == document["text"] + "\n", "text with and without --json")
    model, mask = gpt2_torch.load(folder), gpt2_torch.own_mask(folder)
    text, worst = list(document["prompt_ids"]), dict.fromkeys(LIMITS, 0.0)
    for step in document["steps"]:
        found = check_step(model, mask, step, text, settings)
        worst = {name: np.maximum(worst[name], found[name]) for name in LIMITS}  # keeps NaN
        text.append(step["chosen"])
    require(document["stopped"] == ("eos" if text[-1] == 0 and document["steps"] else "max_new_tokens"), "stopped")
    require(len(document["steps"]) == count or document["stopped"] == "eos", "number of steps")
    words = {c["id"]: c["token"] for c in document["steps"][0]["candidates"]} if document["steps"] else {}
    if words:
        end = len(text) - (document["stopped"] == "eos")
        expected = " ".join(words[i] for i in text[0 if prompt else 1:end])
        require(document["text"] == expected, "text")
    return len(document["steps"]), worst


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nopeek", required=True)
    parser.add_argument("--runs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)
    rng = random.Random(options.seed)
    failed, steps, worst = 0, 0, dict.fromkeys(LIMITS, 0.0)
    print(f"{'model':50} {'T':>5} {'top-k':>5} {'top-p':>6} {'steps':>5} " + " ".join(f"{n:>8}" for n in LIMITS))
    with tempfile.TemporaryDirectory() as folder:
        trained = os.path.join(folder, "trained")
        run(options.nopeek, "train", "--steps", "150", "--context", "16", "--save", trained)
        for i in range(options.runs):
            if i % 3 == 0:
                twin = ("masked", "unmasked")[i // 3 % 2]
                what, path, prompt = f"trained by NoPeek: {twin}", os.path.join(trained, twin), "the agent opened the"
            else:
                path = os.path.join(folder, f"random-{i}")
                what, prompt = random_case(path, rng, options.seed * 1000 + i)
            prompt = "" if i % 10 == 9 else prompt
            settings = (rng.choice([0, 0.01, 0.5, 0.8, 1, 1.3, 2, 100]), rng.choice([0, 0, 1, 3, 10, 1000]),
                        rng.choice([1, 1, 0.9, 0.51, 0.1, 1e-6]))
            try:
                count, found = check_run(options.nopeek, path, prompt, settings, rng.choice([1, 12, 40]), i)
            except AssertionError as error:
                failed += 1
                print(f"{what:50} {settings[0]:5} {settings[1]:5} {settings[2]:6} DISAGREES: {error}")
                continue
            bad = [name for name in LIMITS if not found[name] < LIMITS[name]]
            failed += bool(bad)
            steps += count
            worst = {name: np.maximum(worst[name], found[name]) for name in LIMITS}
            print(f"{what:50} {settings[0]:5} {settings[1]:5} {settings[2]:6} {count:5} " +
                  " ".join(f"{found[n]:8.1e}" for n in LIMITS) + (f"  TOO LARGE: {', '.join(bad)}" if bad else ""))
    print(f"{'largest of ' + str(steps) + ' steps':75} " + " ".join(f"{worst[n]:8.1e}" for n in LIMITS))
    print(f"{'limit':75} " + " ".join(f"{limit:8.1e}" for limit in LIMITS.values()))
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
