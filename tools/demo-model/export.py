"""work/checkpoint.pt to GGUF. export.py OUTPUT"""
import sys
from pathlib import Path

import torch

import gguf
from bpe import SPECIAL, Tokenizer
from model import EPS, THETA, Shape

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}")


def neighbours(rows, heads):
    """Reorders the rows of each head from pairs (i, i + half) to pairs (2i, 2i + 1)."""
    out, width = rows.shape
    return rows.view(heads, 2, out // heads // 2, width).transpose(1, 2).reshape(out, width)


def tensors(weights, shape):
    head = shape.dim // shape.heads
    yield "token_embd.weight", weights["embedding.weight"]
    for i in range(shape.layers):
        part = lambda name: weights[f"blocks.{i}.{name}.weight"]
        q, k, v = part("qkv").split((shape.heads * head, shape.kv_heads * head, shape.kv_heads * head))
        gate, up = part("gate_up").split(shape.hidden)
        for name, tensor in (("attn_norm", part("attn_norm")), ("attn_q", neighbours(q, shape.heads)),
                             ("attn_k", neighbours(k, shape.kv_heads)), ("attn_v", v), ("attn_output", part("out")),
                             ("ffn_norm", part("ffn_norm")), ("ffn_gate", gate), ("ffn_up", up), ("ffn_down", part("down"))):
            yield f"blk.{i}.{name}.weight", tensor
    yield "output_norm.weight", weights["norm.weight"]


def metadata(shape, tokenizer):
    return {
        "general.architecture": "llama", "general.type": "model", "general.name": "Rivulet",
        "general.description": "A very small chat model that was trained in Sluice's repository",
        "general.license": "apache-2.0", "general.file_type": 7, "general.quantization_version": 2,
        "llama.context_length": shape.context, "llama.embedding_length": shape.dim, "llama.block_count": shape.layers,
        "llama.feed_forward_length": shape.hidden, "llama.attention.head_count": shape.heads,
        "llama.attention.head_count_kv": shape.kv_heads, "llama.attention.layer_norm_rms_epsilon": EPS,
        "llama.rope.dimension_count": shape.dim // shape.heads, "llama.rope.freq_base": THETA,
        "llama.vocab_size": shape.vocab,
        "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "qwen2", "tokenizer.ggml.tokens": tokenizer.tokens,
        "tokenizer.ggml.token_type": [3 if t in SPECIAL else 1 if i < tokenizer.normal else 5
                                      for i, t in enumerate(tokenizer.tokens)],
        "tokenizer.ggml.merges": [" ".join(m) for m in tokenizer.merges],
        "tokenizer.ggml.bos_token_id": tokenizer.end_of_text, "tokenizer.ggml.eos_token_id": tokenizer.end,
        "tokenizer.ggml.padding_token_id": tokenizer.end_of_text, "tokenizer.ggml.add_bos_token": False,
        "tokenizer.chat_template": CHAT_TEMPLATE,
    }


def main():
    output = Path(sys.argv[1])
    checkpoint = torch.load(Path(__file__).parent / "work" / "checkpoint.pt", map_location="cpu")
    shape = Shape(**checkpoint["shape"])
    temporary = output.with_suffix(".new")
    gguf.write(temporary, metadata(shape, Tokenizer.load()),
               {name: t.float().numpy() for name, t in tensors(checkpoint["average"], shape)})
    temporary.replace(output)
    print(f"{output}: {output.stat().st_size / 1e6:.2f} MB, {checkpoint['tokens'] / 1e6:.2f}M tokens seen, step {checkpoint['step']}")


if __name__ == "__main__":
    main()
