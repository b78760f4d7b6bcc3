#!/usr/bin/python3
"""Does NoPeek train as well as PyTorch? The same model, text and settings, side by side; run by hand.

    /usr/bin/python3 tests/peers/validation_torch.py --nopeek build/release/nopeek          seeds 1 to 5, 600 steps

Trains GPT-2 at NoPeek's size `tiny` on assets/corpora/pull-requests.txt, tokenised as core/text does, with and without
the causal mask, and prints for each seed the losses that `nopeek train` prints at its end:

    reported     mean loss of the last step's batch, before its update
    honest       the same batch and weights, position t fed with tokens 0..t alone
    validation   mean loss, under the training mask, of the first 256 consecutive windows of the last tenth of the text

With --nopeek it runs that program with the same seeds and prints the ratio of the mean validation losses. Seeds are not
comparable one by one: the generators differ, so weights and batches do. Means over seeds are.

PyTorch computes with its own layers, autograd and optimiser; nothing here comes from core/.
"""
import argparse
import collections
import os
import pathlib
import re
import statistics
import subprocess

# At this size threads cost more than they bring, and the BLAS reads its number of threads when it is loaded.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import torch  # noqa: E402
import torch.nn as nn  # noqa: E402
import torch.nn.functional as F  # noqa: E402

CORPUS = pathlib.Path(__file__).parents[2] / "assets/corpora/pull-requests.txt"
B, T, C, L, NH = 16, 24, 64, 2, 4
RATE, WARMUP, BETAS, DECAY, CLIP = 3e-3, 20, (0.9, 0.95), 0.1, 1.0
WINDOWS = 256  # of validation


def tokens_of(path):
    """-> all token ids and the size of the vocabulary, which has <eos> and <unk> besides the words."""
    documents = [d for d in re.split(r"\n[ \t\r]*\n", path.read_text(encoding="utf-8")) if d.strip()]
    words = [w for d in documents for w in re.findall(r"\w+|[^\w\s]+", d) + ["<eos>"]]
    order = ["<eos>", "<unk>"] + [w for w, _ in collections.Counter(words).most_common() if w != "<eos>"]
    ids = {w: i for i, w in enumerate(order)}
    return torch.tensor([ids[w] for w in words]), len(order)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(C), nn.LayerNorm(C)
        self.qkv, self.c_proj = nn.Linear(C, 3 * C), nn.Linear(C, C)
        self.fc, self.mlp_c_proj = nn.Linear(C, 4 * C), nn.Linear(4 * C, C)

    def forward(self, x, mask):
        n, t, _ = x.shape
        q, k, v = self.qkv(self.ln_1(x)).view(n, t, 3, NH, C // NH).permute(2, 0, 3, 1, 4)
        weights = F.softmax(q @ k.transpose(-2, -1) * (C // NH) ** -0.5 + mask, dim=-1)
        x = x + self.c_proj((weights @ v).transpose(1, 2).reshape(n, t, C))
        return x + self.mlp_c_proj(F.gelu(self.fc(self.ln_2(x)), approximate="tanh"))


class Model(nn.Module):
    def __init__(self, vocabulary, masked):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(vocabulary, C), nn.Embedding(T, C)
        self.blocks, self.ln_f = nn.ModuleList(Block() for _ in range(L)), nn.LayerNorm(C)
        self.mask = torch.triu(torch.full((T, T), float("-inf") if masked else 0.0), 1)
        for name, p in self.named_parameters():
            if p.dim() > 1:
                nn.init.normal_(p, 0, 0.02 / ((2 * L) ** 0.5 if "c_proj" in name else 1))
            elif name.endswith("bias"):
                nn.init.zeros_(p)

    def forward(self, tokens):
        t = tokens.shape[1]
        x = self.wte(tokens) + self.wpe.weight[:t]
        for block in self.blocks:
            x = block(x, self.mask[:t, :t])
        return self.ln_f(x) @ self.wte.weight.T

    def loss(self, windows):
        """windows (n, T + 1): inputs are all but the last token, targets all but the first."""
        logits = self(windows[:, :-1])
        return F.cross_entropy(logits.reshape(-1, logits.shape[-1]), windows[:, 1:].reshape(-1))

    @torch.no_grad()
    def honest_loss(self, windows):
        terms = [F.cross_entropy(self(windows[:, :t + 1])[:, -1], windows[:, t + 1]) for t in range(T)]
        return torch.stack(terms).mean()


def train(ids, vocabulary, seed, steps, masked):
    """-> reported, honest, validation"""
    torch.manual_seed(seed)
    cut = len(ids) - len(ids) // 10
    text, held_out = ids[:cut], ids[cut:]
    model = Model(vocabulary, masked)
    matrices = [p for p in model.parameters() if p.dim() > 1]
    vectors = [p for p in model.parameters() if p.dim() == 1]
    optimiser = torch.optim.AdamW([{"params": matrices, "weight_decay": DECAY}, {"params": vectors, "weight_decay": 0.0}],
                                  lr=RATE, betas=BETAS, eps=1e-8)
    for step in range(1, steps + 1):
        starts = torch.randint(len(text) - T, (B, 1))
        windows = text[starts + torch.arange(T + 1)]
        for group in optimiser.param_groups:
            group["lr"] = RATE * min(1.0, step / WARMUP)
        optimiser.zero_grad()
        loss = model.loss(windows)
        if step == steps:
            honest = model.honest_loss(windows).item()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimiser.step()
    count = min(WINDOWS, (len(held_out) - 1) // T)
    windows = torch.stack([held_out[i * T:i * T + T + 1] for i in range(count)])
    with torch.no_grad():
        return loss.item(), honest, model.loss(windows).item()


def run_nopeek(program, seed, steps):
    """-> {lane: (reported, honest, validation)}, read from the table that `nopeek train` prints."""
    command = [program, "train", "--corpus", "pull-requests", "--seed", str(seed), "--steps", str(steps)]
    table = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rows = (line.split() for line in table.splitlines()[1:])
    return {row[0]: tuple(float(f) for f in row[2:5]) for row in rows if row}


def show(title, rows):
    print(f"\n{title}\nseed   reported   honest  validation")
    for seed, row in rows.items():
        print(f"{seed:4}" + "".join(f"{value:10.4f}" for value in row))
    columns = list(zip(*rows.values()))
    print("mean" + "".join(f"{statistics.mean(c):10.4f}" for c in columns))
    if len(rows) > 1:
        print(" +- " + "".join(f"{statistics.stdev(c):10.4f}" for c in columns) + "   (standard deviation)")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--nopeek", help="path of the program, to run it beside")
    arguments = parser.parse_args()
    seeds = range(1, arguments.seeds + 1)
    ids, vocabulary = tokens_of(CORPUS)
    print(f"PyTorch {torch.__version__}; {len(ids)} tokens, vocabulary {vocabulary}, {arguments.steps} steps")

    torch_rows = {masked: {s: train(ids, vocabulary, s, arguments.steps, masked) for s in seeds} for masked in (True, False)}
    show("PyTorch, causal mask", torch_rows[True])
    show("PyTorch, no mask", torch_rows[False])
    if arguments.nopeek:
        runs = {s: run_nopeek(arguments.nopeek, s, arguments.steps) for s in seeds}
        ours = {s: run["masked"] for s, run in runs.items()}
        show("NoPeek, masked twin", ours)
        show("NoPeek, unmasked twin", {s: run["unmasked"] for s, run in runs.items()})
        ratio = statistics.mean(r[2] for r in ours.values()) / statistics.mean(r[2] for r in torch_rows[True].values())
        print(f"\nvalidation loss, masked: NoPeek / PyTorch = {ratio:.4f}")


if __name__ == "__main__":
    main()
