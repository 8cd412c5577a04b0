"""A small Llama: RMS norm, rotary positions, SwiGLU, tied embeddings.

The rotary pairs are (i, i + half) here, which PyTorch computes faster; GGUF's
'llama' architecture wants neighbours (2i, 2i + 1), so export.py permutes the
rows of Q and K.
"""
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F

EPS = 1e-5
THETA = 10000.0


@dataclass
class Shape:
    vocab: int
    dim: int = 256
    layers: int = 5
    heads: int = 8
    kv_heads: int = 8
    hidden: int = 640
    context: int = 1024


class RmsNorm(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + EPS) * self.weight


def rotary_tables(shape):
    half = shape.dim // shape.heads // 2
    frequency = THETA ** (-torch.arange(half, dtype=torch.float32) / half)
    angle = torch.outer(torch.arange(shape.context, dtype=torch.float32), frequency)
    return angle.cos(), angle.sin()


def rotate(x, cos, sin):
    """x: (batch, heads, time, head_dim)"""
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, a * sin + b * cos), dim=-1)


class Block(nn.Module):
    def __init__(self, shape):
        super().__init__()
        s = self.shape = shape
        self.head = s.dim // s.heads
        self.attn_norm = RmsNorm(s.dim)
        self.qkv = nn.Linear(s.dim, (s.heads + 2 * s.kv_heads) * self.head, bias=False)
        self.out = nn.Linear(s.dim, s.dim, bias=False)
        self.ffn_norm = RmsNorm(s.dim)
        self.gate_up = nn.Linear(s.dim, 2 * s.hidden, bias=False)
        self.down = nn.Linear(s.hidden, s.dim, bias=False)

    def attention(self, x, cos, sin, mask, cache):
        s = self.shape
        batch, time, _ = x.shape
        q, k, v = self.qkv(x).view(batch, time, -1, self.head).transpose(1, 2).split(
            (s.heads, s.kv_heads, s.kv_heads), dim=1)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        if cache is not None:
            k, v = cache.append(self, k, v)
        if s.kv_heads != s.heads:
            k = k.repeat_interleave(s.heads // s.kv_heads, dim=1)
            v = v.repeat_interleave(s.heads // s.kv_heads, dim=1)
        scores = (q * self.head ** -0.5) @ k.transpose(2, 3)
        weights = (scores + mask).softmax(-1).to(v.dtype)
        return self.out((weights @ v).transpose(1, 2).reshape(batch, time, -1))

    def forward(self, x, cos, sin, mask, cache=None):
        x = x + self.attention(self.attn_norm(x), cos, sin, mask, cache)
        gate, up = self.gate_up(self.ffn_norm(x)).chunk(2, dim=-1)
        return x + self.down(F.silu(gate) * up)


class Rivulet(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.vocab, shape.dim)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = RmsNorm(shape.dim)
        cos, sin = rotary_tables(shape)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        self.register_buffer("mask", torch.full((shape.context, shape.context), -1e9).triu(1), persistent=False)
        for name, p in self.named_parameters():
            if p.dim() == 2:
                scale = 0.02 / (2 * shape.layers) ** 0.5 if name.endswith(("out.weight", "down.weight")) else 0.02
                nn.init.normal_(p, std=scale)

    def forward(self, tokens, first=None):
        """first: where the document of each token begins; a token sees only its own document."""
        t = tokens.shape[1]
        x, mask = self.embedding(tokens), self.mask[:t, :t]
        if first is not None:
            mask = mask + (torch.arange(t, device=x.device) < first[:, :, None]).unsqueeze(1) * -1e9
        for block in self.blocks:
            x = block(x, self.cos[:t], self.sin[:t], mask)
        return F.linear(self.norm(x), self.embedding.weight)
