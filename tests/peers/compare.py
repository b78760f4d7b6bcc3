#!/usr/bin/python3
"""Times `nopeek bench` and the PyTorch peer (peer_torch.py) in turns, A B A B ..., and prints how many times faster NoPeek is.

    /usr/bin/python3 tests/peers/compare.py --nopeek build/release/nopeek               # about 10 minutes
    /usr/bin/python3 tests/peers/compare.py --nopeek build/release/nopeek --markdown    # the table of docs/performance.md
    /usr/bin/python3 tests/peers/compare.py --nopeek build/release/nopeek --plot docs/images/step-time.svg

The peer is given its best chance: each BLAS of Debian that is installed (apt-get install libopenblas0-openmp
libopenblas0-pthread), PyTorch's vector instructions, its fused optimiser and its tracing are tried first, each size and
number of threads for itself, and the fastest is what NoPeek is held against. Each side then counts with the number of
threads that is its best. A machine has faster and slower times: ratios are of neighbours in time, and stand with the
least, the median and the largest of all rounds.
"""
import argparse
import datetime
import glob
import json
import math
import os
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SIZES = ["tiny", "small", "medium", "large"]
# Which figure of each size: as it is called in the table -> where it stands in bench's and in the peer's document.
STEP = {"training step": (lambda r: r["ms_per_step"]["median"], lambda p: p["ms_median"])}
DECODE = {"prefill of 64 tokens": (lambda r: r["prefill_ms"], lambda p: p["prefill_ms"]),
          "a token, with cache": (lambda r: r["ms_per_token"]["median"], lambda p: p["decode_ms_median"])}


def figures(config):
    return DECODE if config == "gpt2" else STEP


def run(command, environment=None):
    done = subprocess.run(command, capture_output=True, check=False, env={**os.environ, **(environment or {})})
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\nended with {done.returncode}: {done.stderr.decode()}")
    return json.loads(done.stdout)


# ---------------------------------------------------------------------------------------------------- the two sides

def ours(a, config, shape=()):
    """-> bench's entry by number of threads, and its machine."""
    part = "decode" if config == "gpt2" else "step"
    document = run([a.nopeek, "bench", "--json", "--config", config, "--only", part, *shape])
    entries = document["decode" if config == "gpt2" else "results"]
    return {entry["threads"]: entry for entry in entries}, document["machine"]


def blas_folders():
    """Debian's builds of BLAS by their folders; where there is none, PyTorch finds what it finds."""
    files = glob.glob("/usr/lib/*/*/libblas.so.3")
    return sorted({os.path.dirname(f) for f in files}) or [""]


def variants(config):
    """What can be chosen for the peer: name -> choices, the first is PyTorch's own."""
    choices = {"blas": blas_folders(), "aten": ["", "avx512"]}
    if config != "gpt2":
        choices |= {"foreach": [False, True], "trace": [False, True]}
    return choices


def peer(config, threads, variant, steps, shape=()):
    command = ["/usr/bin/python3", os.path.join(HERE, "peer_torch.py"), "--json", "--config", config, *shape]
    command += ["--threads", str(threads)]
    if config == "gpt2":
        command += ["--mode", "infer", "--reps", "1"]
    else:
        command += ["--steps", str(steps), "--warmup", "2"]
    command += ["--aten", variant["aten"]] if variant["aten"] else []
    command += [f"--{name}" for name in ("foreach", "trace") if variant.get(name)]
    return run(command, {"LD_LIBRARY_PATH": variant["blas"]} if variant["blas"] else None)


def cost(config, result):
    return sum(theirs(result) for _, theirs in figures(config).values())


def steps_for(a, ms):
    return max(3, min(200, round(1e3 * a.seconds / ms)))


def best_variant(a, config, threads, shape=()):
    """The fastest, found by changing one choice after the other. -> variant, steps that fill a.seconds"""
    choices = variants(config)
    best = {name: options[0] for name, options in choices.items()}
    least = cost(config, peer(config, threads, best, 3, shape))
    for name, options in choices.items():
        for option in options[1:]:
            changed = {**best, name: option}
            ms = cost(config, peer(config, threads, changed, steps_for(a, 2 * least), shape))
            if ms < least:
                least, best = ms, changed
        if name == "blas":  # the first was timed shortly, and in company of the first look at the disk
            least = cost(config, peer(config, threads, best, steps_for(a, 2 * least), shape))
    return best, steps_for(a, least)


def describe(variant):
    words = [os.path.basename(variant["blas"]) or "its own BLAS", variant["aten"]]
    words += [name for name in ("foreach", "trace") if variant.get(name)]
    return ", ".join(word for word in words if word)


# ---------------------------------------------------------------------------------------------------------- rounds

def note(text):
    print(text, file=sys.stderr, flush=True)


def rounds_of(a, config, shape=(), found=None):
    """-> rounds: [(ours by threads, theirs by threads)], the peer's variant by threads, machine"""
    threads = sorted(ours(a, config, ("--samples", "1", *shape))[0])
    found = found or {t: best_variant(a, config, t, shape) for t in threads}
    rounds = []
    for i in range(a.rounds):
        note(f"{config} {' '.join(shape)} round {i + 1} of {a.rounds}")
        mine, machine = ours(a, config, shape)
        rounds.append((mine, {t: peer(config, t, *found[t], shape) for t in threads}))
    return rounds, found, machine


def spread(values, digits=2):
    values = sorted(values)
    return f"{statistics.median(values):.{digits}f} ({values[0]:.{digits}f} to {values[-1]:.{digits}f})"


def best_threads(by_threads):
    """by_threads: threads -> values, one a round -> the threads with the least median"""
    return min(by_threads, key=lambda t: statistics.median(by_threads[t]))


def rows_of(config, rounds):
    """A dictionary for each figure: text by column."""
    threads = sorted(rounds[0][0])
    for name, (mine_of, theirs_of) in figures(config).items():
        mine = {t: [mine_of(a[t]) for a, _ in rounds] for t in threads}
        theirs = {t: [theirs_of(b[t]) for _, b in rounds] for t in threads}
        m, p = best_threads(mine), best_threads(theirs)
        row = {"": f"{config}, {name}"}
        row |= {f"NoPeek ms, {t} thr": f"{statistics.median(mine[t]):.4g}" for t in threads}
        row |= {f"PyTorch ms, {t} thr": f"{statistics.median(theirs[t]):.4g}" for t in threads}
        row["times as fast"] = spread([theirs[p][i] / mine[m][i] for i in range(len(rounds))])
        last = threads[-1]
        row[f"{last} threads over 1"] = spread([mine[1][i] / mine[last][i] for i in range(len(rounds))])
        limit = {"training step": "fraction_of_peak", "prefill of 64 tokens": "prefill_fraction_of_peak",
                 "a token, with cache": "fraction_of_bandwidth"}[name]
        row["of the limit, 1 thread"] = spread([a[1][limit] for a, _ in rounds])
        yield row


def print_table(rows, markdown):
    columns = list(rows[0])
    if markdown:
        print("| " + " | ".join(columns) + " |")
        print("|" + "---|" * len(columns))
        for row in rows:
            print("| " + " | ".join(row[c] for c in columns) + " |")
        return
    widths = [max(len(c), *(len(row[c]) for row in rows)) for c in columns]
    for row in [dict(zip(columns, columns)), *rows]:
        print("  ".join(row[c].ljust(w) for c, w in zip(columns, widths)).rstrip())


def head(machine, torch):
    limits = "; ".join(f"{l['threads']} thr: {l['gflops']:.0f} GFLOP/s, {l['read_gb_per_s']:.1f} GB/s read"
                       for l in machine["limits"])
    today = datetime.datetime.now(datetime.timezone.utc).date()
    return (f"{today:%-d %B %Y}, {machine['cpu']}, {machine['hardware_threads']} hardware threads, core built for "
            f"{machine['level']}, PyTorch {torch}. Limits measured: {limits}.")


def compare(a):
    rows, lines, last = [], [], None
    for config in a.configs:
        rounds, found, machine = rounds_of(a, config)
        rows += rows_of(config, rounds)
        lines += [f"{config}, {t} thr: {describe(variant)}" for t, (variant, _) in found.items()]
        last = head(machine, next(iter(rounds[0][1].values()))["torch"])
    print(last + "\n")
    print_table(rows, a.markdown)
    print(f"\nMedian (least to largest) of {a.rounds} rounds. PyTorch ran with: {'; '.join(lines)}.")


# ------------------------------------------------------------------------------------------------------------ plot

BASE = "small"  # and its shape in the title of draw()
SWEEPS = [("--context", "context length, tokens", [16, 32, 64, 128, 256]),
          ("--d-model", "width, channels", [32, 64, 128, 256]),
          ("--batch", "batch, sequences", [4, 8, 16, 32])]


def measure_sweeps(a):
    """-> [(label, [(x, ours ms, peer ms, limit ms)])], machine, torch"""
    threads = sorted(ours(a, BASE, ("--samples", "1"))[0])
    chosen = {t: best_variant(a, BASE, t)[0] for t in threads}
    panels = []
    for option, label, values in SWEEPS:
        points = []
        for value in values:
            shape = (option, str(value))
            found = {t: (chosen[t], steps_for(a, peer(BASE, t, chosen[t], 3, shape)["ms_median"])) for t in threads}
            rounds, _, machine = rounds_of(a, BASE, shape, found)
            mine = {t: [r[t]["ms_per_step"]["median"] for r, _ in rounds] for t in threads}
            theirs = {t: [p[t]["ms_median"] for _, p in rounds] for t in threads}
            limits = {t: [r[t]["gflop_per_step"] / r[t]["peak_gflops"] * 1e3 for r, _ in rounds] for t in threads}
            points.append((value, *(min(statistics.median(by[t]) for t in threads) for by in (mine, theirs, limits))))
        panels.append((label, points))
    return panels, machine, rounds[0][1][threads[0]]["torch"]


STYLE = """
  .page { fill: #ffffff } text { fill: #24292f; font: 13px Inter, "Segoe UI", Helvetica, Arial, sans-serif }
  .small { font-size: 12px } .title { font-size: 16px; font-weight: 600 } .grid { stroke: #d8dee4 } .frame { stroke: #8c959f; fill: none }
  .ours { stroke: #0969da } .peer { stroke: #6e7781 } .limit { stroke: #24292f; stroke-dasharray: 5 4 }
  .line { fill: none; stroke-width: 2 } circle.ours { fill: #0969da } rect.peer { fill: #6e7781 }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 } text { fill: #e6edf3 } .grid { stroke: #30363d } .frame { stroke: #6e7681 }
    .ours { stroke: #58a6ff } .peer { stroke: #9ea7b3 } .limit { stroke: #e6edf3 } circle.ours { fill: #58a6ff } rect.peer { fill: #9ea7b3 }
  }"""
PANEL_WIDTH, PANEL_HEIGHT, LEFT, TOP, GAP = 300, 240, 66, 84, 36
SERIES = [("ours", "NoPeek", 1), ("peer", "PyTorch", 2), ("limit", "limit: operations / measured FMA peak", 3)]


def draw_line(kind, points):
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    svg = [f'<polyline class="line {kind}" points="{path}"/>']
    if kind == "ours":
        svg += [f'<circle class="ours" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>' for x, y in points]
    elif kind == "peer":
        svg += [f'<rect class="peer" x="{x - 3.2:.1f}" y="{y - 3.2:.1f}" width="6.4" height="6.4"/>' for x, y in points]
    return svg


def draw_panel(left, label, points, low, high):
    """Both axes are logarithmic; y from `low` to `high` ms, the same in all panels."""
    xs = [math.log(point[0]) for point in points]
    place_x = lambda x: left + 14 + (math.log(x) - xs[0]) / (xs[-1] - xs[0]) * (PANEL_WIDTH - 28)
    place_y = lambda y: TOP + PANEL_HEIGHT * (1 - math.log(y / low) / math.log(high / low))
    svg = []
    for decade in range(math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9) + 1):
        y = place_y(10.0 ** decade)
        svg += [f'<line class="grid" x1="{left}" x2="{left + PANEL_WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>']
        if left == LEFT:
            svg += [f'<text class="small" x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{10.0 ** decade:g}</text>']
    for x, *_ in points:
        svg += [f'<line class="grid" x1="{place_x(x):.1f}" x2="{place_x(x):.1f}" y1="{TOP}" y2="{TOP + PANEL_HEIGHT}"/>',
                f'<text class="small" x="{place_x(x):.1f}" y="{TOP + PANEL_HEIGHT + 18}" text-anchor="middle">{x}</text>']
    svg += [f'<rect class="frame" x="{left}" y="{TOP}" width="{PANEL_WIDTH}" height="{PANEL_HEIGHT}"/>',
            f'<text x="{left + PANEL_WIDTH / 2}" y="{TOP + PANEL_HEIGHT + 40}" text-anchor="middle">{label}</text>']
    for kind, _, column in reversed(SERIES):
        svg += draw_line(kind, [(place_x(p[0]), place_y(p[column])) for p in points])
    return svg


def draw(panels, machine, torch):
    values = [value for _, points in panels for point in points for value in point[1:]]
    low, high = (10 ** (f(2 * math.log10(v)) / 2) for f, v in ((math.floor, min(values)), (math.ceil, max(values))))
    width = LEFT + len(panels) * (PANEL_WIDTH + GAP)
    height = TOP + PANEL_HEIGHT + 60
    title = (f"Training step of size small, of which one setting is changed (else context 64, width 128, batch 16): "
             f"{machine['cpu']}, {machine['hardware_threads']} threads")
    svg = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
           f'role="img" aria-label="{title}">', f"<style>{STYLE}\n</style>",
           f'<rect class="page" width="{width}" height="{height}" rx="6"/>',
           f'<text class="title" x="{LEFT}" y="28">{title}</text>']
    x = LEFT
    for kind, name, _ in SERIES:
        name += f" {torch.split('a')[0]}" if kind == "peer" else ""
        svg += draw_line(kind, [(x, 52), (x + 28, 52)]) + [f'<text x="{x + 36}" y="56">{name}</text>']
        x += 60 + 8 * len(name)
    middle = TOP + PANEL_HEIGHT / 2
    svg += [f'<text x="18" y="{middle}" text-anchor="middle" transform="rotate(-90 18 {middle})">ms per step</text>']
    for i, (label, points) in enumerate(panels):
        svg += draw_panel(LEFT + i * (PANEL_WIDTH + GAP), label, points, low, high)
    return "\n".join([*svg, "</svg>"]) + "\n"


def plot(a):
    panels, machine, torch = measure_sweeps(a)
    with open(a.plot, "w", encoding="utf-8") as file:
        file.write(draw(panels, machine, torch))
    for label, points in panels:
        print(label)
        for value, mine, theirs, limit in points:
            print(f"{value:8}   NoPeek {mine:8.3g} ms   PyTorch {theirs:8.3g} ms   limit {limit:8.3g} ms   "
                  f"{theirs / mine:.2f} times as fast")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--nopeek", required=True, help="the program")
    p.add_argument("--configs", nargs="+", choices=[*SIZES, "gpt2"], default=[*SIZES, "gpt2"])
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--seconds", type=float, default=1.5, help="of timed steps of the peer, each time")
    p.add_argument("--markdown", action="store_true", help="the table as Markdown")
    p.add_argument("--plot", metavar="FILE.svg", help="instead: step time by context, width and batch")
    a = p.parse_args()
    plot(a) if a.plot else compare(a)


if __name__ == "__main__":
    main()
