"""Conversations packed into rows of 1,024 tokens, none of them cut."""
import random

import torch

from corpus import words
from corpus.conversations import conversation, drill

ROW = 1024
WAITING = 400


class Packer:
    def __init__(self, tokenizer, seed, batch_tokens):
        self.tokenizer, self.rng, self.batch_tokens = tokenizer, random.Random(seed), batch_tokens
        self.drill_share, self.documents = 0.0, []
        words.PIECES = tokenizer.pieces_of_words()

    def refill(self):
        while len(self.documents) < WAITING:
            make = drill if self.rng.random() < self.drill_share else conversation
            ids, weights = self.tokenizer.chat(make(self.rng))
            if len(ids) < ROW:
                self.documents.append((ids + [self.tokenizer.end_of_text], weights + [0.0]))

    def row(self):
        """The oldest conversation, then the oldest that still fit."""
        ids, weights, first = [], [], []
        at = 0
        while at is not None:
            document = self.documents.pop(at)
            first += [len(ids)] * len(document[0])
            ids += document[0]
            weights += document[1]
            free = ROW + 1 - len(ids)
            at = next((i for i, d in enumerate(self.documents) if len(d[0]) <= free), None)
        first += [len(ids)] * free
        return ids + [self.tokenizer.end_of_text] * free, weights + [0.0] * free, first

    def batch(self):
        """Inputs, targets, the weight of each target (they sum to one), and where each token's document begins."""
        rows = []
        for _ in range(self.batch_tokens // ROW):
            self.refill()
            rows.append(self.row())
        ids, weights, first = (torch.tensor(part) for part in zip(*rows))
        weights = weights[:, 1:].contiguous()
        return (ids[:, :-1].contiguous(), ids[:, 1:].contiguous(), weights / weights.sum(),
                first[:, :-1].to(torch.int32).contiguous())
