"""kernels.c as autograd functions, and the training step's forward pass over them."""
import ctypes
import subprocess
from pathlib import Path

import torch
import torch.nn.functional as F

HERE = Path(__file__).parent
BF16 = torch.bfloat16


def compile_kernels():
    source, library = HERE / "kernels.c", HERE / "work" / "kernels.so"
    library.parent.mkdir(exist_ok=True)
    if not library.exists() or library.stat().st_mtime < source.stat().st_mtime:
        subprocess.run(["gcc", "-O3", "-march=native", "-mprefer-vector-width=512", "-ffast-math", "-shared", "-fPIC",
                        str(source), "-o", str(library), "-lm"], check=True)
    kernels = ctypes.CDLL(str(library))
    kernels.cross_entropy.restype = ctypes.c_double
    return kernels


kernels = compile_kernels()


def call(name, *arguments):
    return getattr(kernels, name)(*[
        ctypes.c_void_p(a.data_ptr()) if isinstance(a, torch.Tensor) else a for a in arguments])


class Attention(torch.autograd.Function):
    @staticmethod
    def forward(ctx, qkv, heads, first, cos, sin):
        batch, time, width = qkv.shape
        ctx.sizes = batch, time, heads, width // 3 // heads
        out = torch.empty(batch, time, width // 3, dtype=BF16)
        call("attention_forward", *ctx.sizes, qkv, first, cos, sin, out)
        ctx.save_for_backward(qkv, first, cos, sin)
        return out

    @staticmethod
    def backward(ctx, grad):
        qkv, first, cos, sin = ctx.saved_tensors
        qkv_grad = torch.empty_like(qkv)
        call("attention_backward", *ctx.sizes, qkv, first, cos, sin, grad.contiguous(), qkv_grad)
        return qkv_grad, None, None, None, None


class AddNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, branch, weight):
        total, y = torch.empty_like(x), torch.empty_like(x, dtype=BF16)
        call("norm_forward", x.shape[0], x.shape[1], x, branch, weight, total, y)
        ctx.save_for_backward(total, weight)
        ctx.has_branch = branch is not None
        return total, y

    @staticmethod
    def backward(ctx, total_grad, y_grad):
        total, weight = ctx.saved_tensors
        x_grad = total_grad.clone()
        branch_grad, weight_grad = torch.empty_like(total, dtype=BF16), torch.zeros_like(weight)
        call("norm_backward", *total.shape, total, weight, y_grad.contiguous(), x_grad, branch_grad, weight_grad)
        return x_grad, branch_grad if ctx.has_branch else None, weight_grad


class SwiGlu(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        out = torch.empty(x.shape[0], x.shape[1] // 2, dtype=BF16)
        call("swiglu_forward", *out.shape, x, out)
        ctx.save_for_backward(x)
        return out

    @staticmethod
    def backward(ctx, grad):
        x, = ctx.saved_tensors
        x_grad = torch.empty_like(x)
        call("swiglu_backward", x.shape[0], x.shape[1] // 2, x, grad.contiguous(), x_grad)
        return x_grad


class CrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx, logits, targets, weights):
        loss = call("cross_entropy", *logits.shape, logits, targets, weights)
        ctx.gradient = logits.detach()
        return torch.tensor(loss)

    @staticmethod
    def backward(ctx, grad):
        return ctx.gradient, None, None


def training_loss(model, tokens, targets, weights, first):
    """The summed, weighted loss; call backward() on it unscaled."""
    batch, time = tokens.shape
    heads, dim = model.shape.heads, model.shape.dim
    linear = lambda x, layer: F.linear(x, layer.weight.to(BF16))
    x, branch = model.embedding(tokens).view(-1, dim), None
    cos, sin = model.cos[:time].contiguous(), model.sin[:time].contiguous()
    for block in model.blocks:
        x, y = AddNorm.apply(x, branch, block.attn_norm.weight)
        y = Attention.apply(linear(y, block.qkv).view(batch, time, -1), heads, first, cos, sin)
        x, y = AddNorm.apply(x, linear(y.view(-1, dim), block.out), block.ffn_norm.weight)
        branch = linear(SwiGlu.apply(linear(y, block.gate_up)), block.down)
    _, y = AddNorm.apply(x, branch, model.norm.weight)
    counted = weights.view(-1).nonzero()[:, 0]
    logits = F.linear(y.index_select(0, counted), model.embedding.weight.to(BF16))
    return CrossEntropy.apply(logits, targets.view(-1)[counted], weights.view(-1)[counted])
