"""Runs a GGUF file of Rivulet in this process, from its dequantized weights, or a checkpoint's averaged ones."""
from pathlib import Path

import torch
import torch.nn.functional as F

import gguf
from model import Rivulet, Shape


class Cache:
    def __init__(self):
        self.kept = {}

    def append(self, block, k, v):
        if block in self.kept:
            k, v = (torch.cat(pair, dim=2) for pair in zip(self.kept[block], (k, v)))
        self.kept[block] = k, v
        return k, v


def halves(rows, heads):
    """The inverse of export.neighbours."""
    out, width = rows.shape
    return rows.reshape(heads, out // heads // 2, 2, width).transpose(1, 2).reshape(out, width)


def load_gguf(path):
    file = gguf.Reader(path)
    meta, t = file.metadata, {name: torch.tensor(array) for name, array in file.tensors.items()}
    shape = Shape(len(meta["tokenizer.ggml.tokens"]), meta["llama.embedding_length"], meta["llama.block_count"],
                  meta["llama.attention.head_count"], meta["llama.attention.head_count_kv"],
                  meta["llama.feed_forward_length"], meta["llama.context_length"])
    model = Rivulet(shape)
    state = {"embedding.weight": t["token_embd.weight"], "norm.weight": t["output_norm.weight"]}
    for i in range(shape.layers):
        part = lambda name: t[f"blk.{i}.{name}.weight"]
        state.update({f"blocks.{i}.{name}.weight": value for name, value in {
            "attn_norm": part("attn_norm"), "ffn_norm": part("ffn_norm"), "out": part("attn_output"), "down": part("ffn_down"),
            "qkv": torch.cat((halves(part("attn_q"), shape.heads), halves(part("attn_k"), shape.kv_heads), part("attn_v"))),
            "gate_up": torch.cat((part("ffn_gate"), part("ffn_up")))}.items()})
    model.load_state_dict(state)
    return model.eval()


def load_checkpoint(path=Path(__file__).parent / "work" / "checkpoint.pt"):
    saved = torch.load(path, map_location="cpu")
    model = Rivulet(Shape(**saved["shape"]))
    model.load_state_dict(saved["average"])
    return model.eval()


@torch.no_grad()
def generate(model, tokenizer, messages, temperature=0.0, limit=500, generator=None):
    """Returns the text and whether the model ended it."""
    ids, _ = tokenizer.chat(messages, answer_next=True)
    limit = min(limit, model.shape.context - len(ids))
    cache, at, new, out = Cache(), 0, ids, []
    while len(out) < limit:
        x, n = model.embedding(torch.tensor([new])), len(new)
        cos, sin, mask = model.cos[at:at + n], model.sin[at:at + n], model.mask[at:at + n, :at + n]
        for block in model.blocks:
            x = block(x, cos, sin, mask, cache)
        logits = F.linear(model.norm(x[0, -1]), model.embedding.weight)
        at += n
        if temperature > 0:
            token = int(torch.multinomial((logits / temperature).softmax(-1), 1, generator=generator))
        else:
            token = int(logits.argmax())
        if token in (tokenizer.end, tokenizer.end_of_text):
            return tokenizer.decode(out), True
        out.append(token)
        new = [token]
    return tokenizer.decode(out), False
