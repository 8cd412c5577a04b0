"""Byte-level BPE in GPT-2's alphabet, with Qwen2's pre-tokenizer (digits one by one).

bpe.py VOCABULARY_SIZE DOCUMENTS trains on the corpus and writes work/tokenizer.json.
"""
import json
import random
import sys
from collections import Counter, defaultdict
from functools import lru_cache
from pathlib import Path

import regex

SPLIT = regex.compile(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
PATH = Path(__file__).parent / "work" / "tokenizer.json"


def byte_alphabet():
    """GPT-2's printable character for each byte."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in plain]
    return {**{b: chr(b) for b in plain}, **{b: chr(256 + i) for i, b in enumerate(others)}}


ALPHABET = byte_alphabet()
BYTES = {c: b for b, c in ALPHABET.items()}


def spell(text):
    return "".join(ALPHABET[b] for b in text.encode())


def train(texts, size):
    """Merges the most frequent pair of neighbours until the vocabulary is full."""
    counts = Counter(piece for text in texts for piece in SPLIT.findall(text))
    pieces = [(list(spell(p)), n) for p, n in counts.items()]
    pairs, where = Counter(), defaultdict(set)
    for i, (symbols, n) in enumerate(pieces):
        for pair in zip(symbols, symbols[1:]):
            pairs[pair] += n
            where[pair].add(i)
    merges = []
    while len(merges) < size - 256 - len(SPECIAL):
        best = max(pairs, key=lambda p: (pairs[p], p))
        if pairs[best] < 2:
            break
        merges.append(best)
        for i in list(where[best]):
            symbols, n = pieces[i]
            for pair in zip(symbols, symbols[1:]):
                pairs[pair] -= n
                where[pair].discard(i)
            merged = merge(symbols, best)
            pieces[i] = (merged, n)
            for pair in zip(merged, merged[1:]):
                pairs[pair] += n
                where[pair].add(i)
        del pairs[best]
    return merges


def merge(symbols, pair):
    out, i = [], 0
    while i < len(symbols):
        if i + 1 < len(symbols) and (symbols[i], symbols[i + 1]) == pair:
            out.append(symbols[i] + symbols[i + 1])
            i += 2
        else:
            out.append(symbols[i])
            i += 1
    return out


class Tokenizer:
    def __init__(self, merges):
        self.merges = [tuple(m) for m in merges]
        self.rank = {m: i for i, m in enumerate(self.merges)}
        self.tokens = [ALPHABET[b] for b in range(256)] + [a + b for a, b in self.merges]
        self.normal = len(self.tokens)
        self.tokens += [f"<|unused_{i}|>" for i in range(-(len(self.tokens) + len(SPECIAL)) % 32)] + SPECIAL
        self.ids = {t: i for i, t in enumerate(self.tokens)}
        self.end_of_text, self.start, self.end = (self.ids[s] for s in SPECIAL)
        self.piece = lru_cache(maxsize=200_000)(self._piece)

    @classmethod
    def load(cls, path=PATH):
        return cls(json.loads(Path(path).read_text())["merges"])

    def _piece(self, piece):
        symbols = list(spell(piece))
        while len(symbols) > 1:
            best = min(zip(symbols, symbols[1:]), key=lambda p: self.rank.get(p, 1 << 30))
            if best not in self.rank:
                break
            symbols = merge(symbols, best)
        return tuple(self.ids[s] for s in symbols)

    def encode(self, text):
        return [i for piece in SPLIT.findall(text) for i in self.piece(piece)]

    def decode(self, ids):
        return bytes(BYTES[c] for i in ids if i < self.normal for c in self.tokens[i]).decode(errors="replace")

    def pieces_of_words(self):
        """The lower-case tokens of two letters and more, without the space before them."""
        texts = {self.decode([i]).strip() for i in range(self.normal)}
        return sorted(t for t in texts if len(t) > 1 and t.isascii() and t.isalpha() and t.islower())

    def chat(self, messages, answer_next=False):
        """ChatML. Returns ids and, for each, the weight of its prediction in the loss."""
        newline = self.encode("\n")
        ids, weights = [], []
        for role, text in messages:
            ids += [self.start, *self.encode(role + "\n")]
            body = self.encode(text) + [self.end]
            weights += [0.0] * (len(ids) - len(weights)) + [1.0 if role == "assistant" else 0.0] * len(body)
            ids += body + newline
        if answer_next:
            ids += [self.start, *self.encode("assistant\n")]
        return ids, weights + [0.0] * (len(ids) - len(weights))


def main():
    from corpus.conversations import conversation
    size, documents = int(sys.argv[1]), int(sys.argv[2])
    rng = random.Random(1)
    texts = [text for _ in range(documents) for _, text in conversation(rng)]
    texts += ["system\n", "user\n", "assistant\n"] * 100
    merges = train(texts, size)
    PATH.parent.mkdir(exist_ok=True)
    PATH.write_text(json.dumps({"merges": merges}))
    tokenizer = Tokenizer.load()
    characters, tokens = sum(map(len, texts)), sum(len(tokenizer.encode(t)) for t in texts)
    print(f"{len(tokenizer.tokens)} tokens; {characters / tokens:.2f} characters per token over {tokens} tokens")


if __name__ == "__main__":
    main()
