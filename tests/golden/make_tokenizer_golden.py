#!/usr/bin/env python3
"""What byte-level BPE must give, by another implementation: Python's `regex` runs GPT-2's pattern, merging and training
are the naive loops. Writes byte_pair.json (texts with their pieces and ids, the classes of every code point) and
byte_pair/tokenizer.json in the form of the `tokenizers` library.

    /usr/bin/python3 tests/golden/make_tokenizer_golden.py      # Debian: python3-regex
"""
import json
import pathlib
import random
import unicodedata

import regex

HERE = pathlib.Path(__file__).parent
PATTERN = regex.compile(r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+""")
EOS = "<|endoftext|>"
TOKENS = 600

TRAINING = """The teacher wrote the test before the code. The code didn't pass, so the teacher wrote it again, and again.
She'd said: "We'll see what they've learned; I'm sure they're fine." It's 2024, and 1,234.50 isn't 12345.

\tfor (int i = 0; i < 10; ++i) {\n\t\tsum += i;   // the sum of the first ten\n\t}

Der Lehrer schrieb die Prüfung, bevor er den Code schrieb. Größe, Übung, naïve façade, déjà vu.
Учитель написал тест раньше кода. Учитель знает, что тест важен.
शिक्षक ने कोड से पहले परीक्षा लिखी। नमस्ते दुनिया, नमस्ते शिक्षक।
老师先写测试，再写代码。老师说：测试很重要。先生はコードの前にテストを書きました。
المعلم كتب الاختبار قبل الكود. 선생님은 코드보다 먼저 시험을 썼다.
🙂🙂 👩‍💻 👍🏽 the end 🙂 the end of the end.   Two  spaces,   three   spaces.
"""

TEXTS = [
    "", " ", "  ", "\n", "\n\n", " \n", "\n ", "a", " a", "  a", "a ", "a  ", "a  b", "a   b   ", "\ta\t\tb", "a\r\nb",
    "Hello, world!", "don't can't we'll they've I'm she'd you're it's", "DON'T CAN'T WE'LL", "'s's 's' 't'll 'x ''s",
    "o'clock 'tis rock 'n' roll '", "1234567890 3.14 1,000,000 0x1F", "x²+y³=½ Ⅷ ٣٤ १२३", "a1b2c3", "_a_b __init__",
    "naïve café Größe ÅNGSTRÖM", "e\u0301 cafe\u0301 n\u0303", "Привет, мир!", "नमस्ते दुनिया।", "你好，世界！老师写测试。",
    "こんにちは世界", "مرحبا بالعالم", "안녕하세요 세계", "🙂", "🙂 🙂🙂", "👩‍💻👍🏽🇩🇪", "a🙂b", " 🙂", "zero\u200bwidth\u200djoin",
    "no\u00a0break\u3000wide\u2003em\u2028line\u0085next", "\u00a0a", "\u3000\u3000a", " \u00a0 a", "a \u3000", "\u00a0'",
    EOS, f"a{EOS}b", f" {EOS} ", f"a {EOS}", f"{EOS}{EOS}", "<|endoftext", "|>", f"the  {EOS}  the", f"don{EOS}'t",
    "for (int i = 0; i < n; ++i) {\n\treturn x[i] != y;\n}", "https://example.org/a?b=c&d=%20", "the the the the",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "eeee eeeee eeeeee", "\x00\x01\x1f\x7f", "\ufffd\ufeff", "\U0010ffff\ue000",
]
POOL = ["a", "e", "the", "Te", " ", "  ", "\n", "\t", "\u00a0", "\u3000", "\u2028", "'s", "'ll", "'", "\u2019", "1", "42", "²", "Ⅷ",
        "ü", "e\u0301", "я", "ст", "老", "师", "न", "\u094d", "🙂", "\u200d", ".", ",", "--", "_", "\x07", "\u0600", EOS]


def byte_alphabet():
    """GPT-2's bytes_to_unicode()."""
    visible = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [b for b in range(256) if b not in visible]
    return {**{b: chr(b) for b in visible}, **{b: chr(256 + i) for i, b in enumerate(others)}}


ALPHABET = byte_alphabet()


def merged(ids, pair, new):
    out = []
    for i in ids:
        if out and (out[-1], i) == pair:
            out[-1] = new
        else:
            out.append(i)
    return out


def train(text):
    """<eos> 0, bytes, then the most frequent pair, ties by the lower one. Every count is made anew each time."""
    tokens = [EOS.encode()] + [bytes([b]) for b in range(256)]
    merges = []
    pieces = [[1 + b for b in piece.encode()] for piece in PATTERN.findall(text)]
    while len(tokens) < TOKENS:
        counts = {}
        for ids in pieces:
            for pair in zip(ids, ids[1:]):
                counts[pair] = counts.get(pair, 0) + 1
        pair = min(counts, key=lambda p: (-counts[p], p), default=None)
        if pair is None or counts[pair] < 2:
            break
        token = tokens[pair[0]] + tokens[pair[1]]
        if token not in tokens:
            tokens.append(token)
        merges.append(pair)
        pieces = [merged(ids, pair, tokens.index(token)) for ids in pieces]
    return tokens, merges


def encode(text, tokens, merges):
    """Pieces (strings) and ids. A pair of least rank is merged, everywhere, until there is none: as in GPT-2's encoder."""
    rank = {pair: i for i, pair in enumerate(merges)}
    pieces, ids = [], []
    for k, part in enumerate(text.split(EOS)):
        if k > 0:
            pieces.append(EOS)
            ids.append(0)
        for piece in PATTERN.findall(part):
            pieces.append(piece)
            symbols = [1 + b for b in piece.encode()]
            while pairs := [p for p in zip(symbols, symbols[1:]) if p in rank]:
                pair = min(pairs, key=rank.get)
                symbols = merged(symbols, pair, tokens.index(tokens[pair[0]] + tokens[pair[1]]))
            ids += symbols
    return pieces, ids


def classes():
    """Every code point, as runs "<count><class>": u unassigned (skip it: a newer Unicode may have it), s space, L letter,
    N number of \\w, n other number, w other \\w, - none."""
    def of(c):
        if unicodedata.category(c) == "Cn":
            return "u"
        word = regex.match(r"\w", c) is not None
        if regex.match(r"\s", c):
            return "s"
        if regex.match(r"\p{L}", c):
            return "L" if word else "!"
        if regex.match(r"\p{N}", c):
            return "N" if word else "n"
        return "w" if word else "-"
    runs, last, count = [], None, 0
    for code in range(0x110000):
        kind = "u" if 0xD800 <= code <= 0xDFFF else of(chr(code))
        if kind != last and last is not None:
            runs.append(f"{count}{last}")
            count = 0
        last, count = kind, count + 1
    runs.append(f"{count}{last}")
    return [" ".join(runs[i:i + 24]) for i in range(0, len(runs), 24)]


def tokenizer_json(tokens, merges):
    def spell(token):
        return EOS if token == EOS.encode() else "".join(ALPHABET[b] for b in token)
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": 0, "content": EOS, "single_word": False, "lstrip": False, "rstrip": False,
                          "normalized": False, "special": True}],
        "normalizer": None, "pre_tokenizer": byte_level, "post_processor": {**byte_level, "trim_offsets": False},
        "decoder": byte_level,
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": "",
                  "end_of_word_suffix": "", "fuse_unk": False, "byte_fallback": False,
                  "vocab": {spell(token): i for i, token in enumerate(tokens)},
                  "merges": [[spell(tokens[a]), spell(tokens[b])] for a, b in merges]},
    }


def main():
    tokens, merges = train(TRAINING)
    rng = random.Random(1)
    texts = TEXTS + ["".join(rng.choices(POOL, k=rng.randint(2, 12))) for _ in range(300)] + [TRAINING]
    cases = []
    for text in texts:
        pieces, ids = encode(text, tokens, merges)
        assert "".join(pieces) == text and b"".join(tokens[i] for i in ids) == text.encode()
        cases.append({"text": text, "pieces": pieces, "ids": ids})
    golden = {"training": TRAINING, "tokens": len(tokens), "merges": merges, "classes": classes(), "cases": cases}
    lines = [f' {json.dumps(key)}: {json.dumps(golden[key])}' for key in ("training", "tokens", "merges")]
    for key in ("classes", "cases"):
        lines.append(f' "{key}": [\n  ' + ",\n  ".join(json.dumps(item) for item in golden[key]) + "\n ]")
    (HERE / "byte_pair.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
    (HERE / "byte_pair").mkdir(exist_ok=True)
    text = json.dumps(tokenizer_json(tokens, merges), ensure_ascii=False, indent=1)
    (HERE / "byte_pair" / "tokenizer.json").write_text(text + "\n")


main()
