#!/usr/bin/python3
"""Golden values for tests/core/golden_test.cpp: a small random GPT-2 in PyTorch, all in float64.

    /usr/bin/python3 tests/golden/make_golden.py        (Debian: apt-get install python3-torch)

Writes model.txt (sizes, weights, tokens) and, for each mask, causal.txt and full.txt (logits, attention, loss, every
gradient, ten training losses) beside itself. Run it again only when the model itself changes, and commit what it writes.

Format: one matrix a line, `name rows cols value value ...`, row by row; vectors have one row.

The model is written here with PyTorch's own functions and its autograd, optimiser and clipping, and shares no line with
core/: that is what makes its numbers a witness.
"""
import pathlib

import torch
import torch.nn.functional as F

HERE = pathlib.Path(__file__).parent
B, T, C, L, NH, V = 4, 8, 12, 2, 3, 13
STEPS, WARMUP, RATE, DECAY, CLIP = 10, 4, 1e-2, 0.1, 1.0
EPS = 1e-5

torch.manual_seed(20240607)
torch.set_default_dtype(torch.float64)


def make_weights():
    """Larger than at a real start, and nowhere at a special value (layer norms not 1, biases not 0)."""
    def normal(deviation, *shape):
        return deviation * torch.randn(*shape)

    weights = {"wte.weight": normal(0.5, V, C), "wpe.weight": normal(0.3, T, C)}
    for layer in range(L):
        h = f"h.{layer}."
        weights |= {
            h + "ln_1.weight": 1 + normal(0.3, C), h + "ln_1.bias": normal(0.2, C),
            h + "attn.c_attn.weight": normal(0.4, C, 3 * C), h + "attn.c_attn.bias": normal(0.2, 3 * C),
            h + "attn.c_proj.weight": normal(0.3, C, C), h + "attn.c_proj.bias": normal(0.2, C),
            h + "ln_2.weight": 1 + normal(0.3, C), h + "ln_2.bias": normal(0.2, C),
            h + "mlp.c_fc.weight": normal(0.4, C, 4 * C), h + "mlp.c_fc.bias": normal(0.2, 4 * C),
            h + "mlp.c_proj.weight": normal(0.2, 4 * C, C), h + "mlp.c_proj.bias": normal(0.2, C),
        }
    weights |= {"ln_f.weight": 1 + normal(0.3, C), "ln_f.bias": normal(0.2, C)}
    return weights


def forward(w, tokens, mask):
    """-> logits (B, T, V), attention of every layer [(B, NH, T, T)]"""
    x = F.embedding(tokens, w["wte.weight"]) + w["wpe.weight"]
    attention = []
    for layer in range(L):
        p = lambda name: w[f"h.{layer}.{name}"]
        y = F.layer_norm(x, (C,), p("ln_1.weight"), p("ln_1.bias"), EPS)
        q, k, v = (y @ p("attn.c_attn.weight") + p("attn.c_attn.bias")).split(C, dim=2)
        q, k, v = (m.view(B, T, NH, C // NH).transpose(1, 2) for m in (q, k, v))
        weights = torch.softmax(q @ k.transpose(2, 3) / (C // NH) ** 0.5 + mask, dim=-1)
        attention.append(weights)
        heads = (weights @ v).transpose(1, 2).reshape(B, T, C)
        x = x + heads @ p("attn.c_proj.weight") + p("attn.c_proj.bias")
        y = F.layer_norm(x, (C,), p("ln_2.weight"), p("ln_2.bias"), EPS)
        y = F.gelu(y @ p("mlp.c_fc.weight") + p("mlp.c_fc.bias"), approximate="tanh")
        x = x + y @ p("mlp.c_proj.weight") + p("mlp.c_proj.bias")
    x = F.layer_norm(x, (C,), w["ln_f.weight"], w["ln_f.bias"], EPS)
    return x @ w["wte.weight"].T, attention


def loss_of(w, tokens, targets, mask):
    logits, _ = forward(w, tokens, mask)
    return F.cross_entropy(logits.view(-1, V), targets.reshape(-1))


def train(start, batches, mask):
    """-> the loss of each step before its update, and whether clipping acted."""
    w = {name: tensor.clone().requires_grad_() for name, tensor in start.items()}
    matrices = [t for t in w.values() if t.dim() > 1]
    vectors = [t for t in w.values() if t.dim() == 1]
    optimiser = torch.optim.AdamW([{"params": matrices, "weight_decay": DECAY}, {"params": vectors, "weight_decay": 0.0}],
                                  lr=RATE, betas=(0.9, 0.95), eps=1e-8)
    losses, clipped = [], []
    for step, window in enumerate(batches, start=1):
        for group in optimiser.param_groups:
            group["lr"] = RATE * min(1.0, step / WARMUP)
        optimiser.zero_grad()
        loss = loss_of(w, window[:, :-1], window[:, 1:], mask)
        loss.backward()
        clipped.append(float(torch.nn.utils.clip_grad_norm_(list(w.values()), CLIP)) > CLIP)
        optimiser.step()
        losses.append(loss.item())
    return losses, clipped


def line(name, tensor):
    matrix = torch.as_tensor(tensor).detach()
    matrix = matrix.reshape(1, -1) if matrix.dim() < 2 else matrix.reshape(-1, matrix.shape[-1])
    values = " ".join(f"{value:.15g}" for value in matrix.flatten().tolist())
    return f"{name} {matrix.shape[0]} {matrix.shape[1]} {values}\n"


def main():
    start = make_weights()
    # Windows of T + 1 tokens; inputs are all but the last, targets all but the first. Each token leads to one of two, so
    # that there is something to learn within ten steps.
    windows = torch.empty(STEPS, B, T + 1, dtype=torch.long)
    windows[:, :, 0] = torch.randint(V, (STEPS, B))
    for t in range(T):
        windows[:, :, t + 1] = (2 * windows[:, :, t] + torch.randint(2, (STEPS, B))) % V
    sizes = torch.tensor([B, T, C, L, NH, V])
    settings = torch.tensor([STEPS, WARMUP, RATE, DECAY, CLIP])
    with open(HERE / "model.txt", "w") as file:
        file.write(line("B,T,C,L,NH,V", sizes) + line("steps,warmup,rate,decay,clip", settings))
        file.write(line("windows", windows.reshape(STEPS * B, T + 1)))
        file.writelines(line(name, tensor) for name, tensor in start.items())

    masks = {"causal": torch.triu(torch.full((T, T), float("-inf")), 1), "full": torch.zeros(T, T)}
    for name, mask in masks.items():
        w = {key: tensor.clone().requires_grad_() for key, tensor in start.items()}
        tokens, targets = windows[0, :, :-1], windows[0, :, 1:]
        logits, attention = forward(w, tokens, mask)
        loss = loss_of(w, tokens, targets, mask)
        loss.backward()
        losses, clipped = train(start, windows, mask)
        assert any(clipped), "the gradient was never clipped: nothing tests the clipping"
        with open(HERE / f"{name}.txt", "w") as file:
            file.write(line("logits", logits) + line("loss", loss) + line("training", torch.tensor(losses)))
            file.writelines(line(f"attention.{i}", a) for i, a in enumerate(attention))
            file.writelines(line(f"d.{key}", tensor.grad) for key, tensor in w.items())
        print(f"{name}: loss {loss.item():.6f}, training {losses[0]:.4f} -> {losses[-1]:.4f}, clipped {sum(clipped)} of {STEPS}")


if __name__ == "__main__":
    main()
