"""Muon (orthogonalized momentum) for the matrices inside the blocks, AdamW for the rest.

Muon is Keller Jordan's (https://kellerjordan.github.io/posts/muon/), its update
scaled to Adam's size as in the Moonlight report (arXiv:2502.16982).
"""
from collections import defaultdict

import torch


def orthogonalize(m, steps=5):
    """The nearest matrices (of a batch of wide ones) with all singular values near one, by Newton-Schulz iteration."""
    x = m.to(torch.bfloat16)
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(steps):
        s = torch.bmm(x, x.transpose(1, 2))
        polynomial = torch.baddbmm(s, s, s, beta=-4.7750, alpha=2.0315)
        x = torch.baddbmm(x, polynomial, x, beta=3.4445)
    return x.to(m.dtype)


class Muon(torch.optim.Optimizer):
    """A parameter's `parts` is the rows of each matrix in it: qkv and gate_up hold several, one above the other."""

    def __init__(self, params, lr, momentum=0.95, weight_decay=0.05):
        super().__init__(params, dict(lr=lr, momentum=momentum, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            updates = defaultdict(list)
            for p in group["params"]:
                state = self.state[p]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(p)
                momentum = state["momentum"].lerp_(p.grad, 1 - group["momentum"])
                update = p.grad.lerp(momentum, group["momentum"])
                p.mul_(1 - group["lr"] * group["weight_decay"])
                for part, whole in zip(update.split(p.parts), p.split(p.parts)):
                    if part.shape[0] > part.shape[1]:
                        part, whole = part.t(), whole.t()
                    updates[part.shape].append((part, whole))
            for shape, same in updates.items():
                scale = -group["lr"] * 0.2 * max(shape) ** 0.5
                for update, (_, whole) in zip(orthogonalize(torch.stack([part for part, _ in same])), same):
                    whole.add_(update, alpha=scale)


def optimizers(model, rate):
    matrices, others = [], []
    for name, p in model.named_parameters():
        if name.startswith("blocks.") and p.dim() == 2:
            p.parts = model.shape.hidden if "gate_up" in name else model.shape.dim
            matrices.append(p)
        else:
            others.append(p)
    return [Muon(matrices, rate), torch.optim.AdamW(others, rate, betas=(0.9, 0.98), weight_decay=0.0)]
