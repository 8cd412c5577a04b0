"""Trains Rivulet for a given time. The learning rate follows the clock, so the end comes when it should.

train.py --minutes 70            starts, or goes on from work/checkpoint.pt; SIGTERM stops it with a checkpoint
train.py --minutes 70 --restart  goes on from its weights with a new cycle of the learning rate
"""
import argparse
import copy
import signal
import time
from dataclasses import asdict
from pathlib import Path

import torch
import torch.nn.functional as F

from bpe import Tokenizer
from model import Rivulet, Shape
from optimizer import optimizers
from packing import Packer

WORK = Path(__file__).parent / "work"
CHECKPOINT = WORK / "checkpoint.pt"
AVERAGE = 0.99
DRILLS_FIRST = 3e6  # tokens


def rate_factor(progress, step):
    """Warm-up over 200 steps, constant to 35 % of the time, then linear to almost nothing."""
    return min(1, (step + 1) / 200) * min(1, max(0.01, (1 - progress) / 0.65))


def plain_loss(model, tokens, targets, weights, first):
    with torch.autocast(tokens.device.type, dtype=torch.bfloat16):
        logits = model(tokens, first)
    losses = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="none")
    return (losses * weights.flatten()).sum()


def save(path, model, average, opts, step, elapsed, tokens):
    temporary = path.with_suffix(".new")
    torch.save(dict(shape=asdict(model.shape), model=model.state_dict(), average=average.state_dict(),
                    optimizers=[o.state_dict() for o in opts], step=step, elapsed=elapsed, tokens=tokens), temporary)
    temporary.replace(path)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=70, help="training time, earlier runs counted in")
    parser.add_argument("--batch-tokens", type=int, default=4096)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--drills", type=float, default=0.15, help="share of conversations that are one small task again and again; "
                        "half of them are at first, because until it can copy the model learns little else")
    parser.add_argument("--restart", action="store_true", help="keeps the weights but begins a new cycle of the learning rate: "
                        "--minutes and the steps count from here, the tokens go on")
    parser.add_argument("--save-seconds", type=float, default=120)
    for field, value in asdict(Shape(0)).items():
        if field != "vocab":
            parser.add_argument("--" + field.replace("_", "-"), type=int, default=value)
    options = parser.parse_args()

    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu":
        from fused import training_loss as loss_of
    else:
        loss_of = plain_loss
    tokenizer = Tokenizer.load()
    shape = Shape(len(tokenizer.tokens), *(getattr(options, f) for f in asdict(Shape(0)) if f != "vocab"))
    torch.manual_seed(1)
    saved = torch.load(CHECKPOINT, map_location=device) if CHECKPOINT.exists() else None
    model = Rivulet(Shape(**saved["shape"]) if saved else shape).to(device)
    average = copy.deepcopy(model)
    opts = optimizers(model, options.rate)
    step, elapsed, seen = 0, 0.0, 0
    if saved:
        model.load_state_dict(saved["model"])
        average.load_state_dict(saved["average"])
        for o, state in zip(opts, saved["optimizers"]):
            o.load_state_dict(state)
        step, elapsed, seen = saved["step"], saved["elapsed"], saved["tokens"]
        if options.restart:
            step, elapsed = 0, 0.0
    packer = Packer(tokenizer, seed=1000 + step, batch_tokens=options.batch_tokens)
    print(f"{sum(p.numel() for p in model.parameters()) / 1e6:.2f}M parameters on {device}, from step {step}", flush=True)

    stopped = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    first_seen, first_elapsed = seen, elapsed
    total, last, last_save, running = options.minutes * 60, time.monotonic(), time.monotonic(), None
    while elapsed < total and not stopped:
        factor = rate_factor(elapsed / total, step)
        for o in opts:
            for group in o.param_groups:
                group["lr"] = options.rate * factor
        packer.drill_share = max(options.drills, 0.5) if seen < DRILLS_FIRST else options.drills
        batch = [t.to(device) for t in packer.batch()]
        loss = loss_of(model, *batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for o in opts:
            o.step()
            o.zero_grad()
        with torch.no_grad():
            keep = min(AVERAGE, step / (step + 10))
            for a, p in zip(average.parameters(), model.parameters()):
                a.lerp_(p, 1 - keep)
        step, seen = step + 1, seen + batch[0].numel()
        running = loss.item() if running is None else 0.98 * running + 0.02 * loss.item()
        now = time.monotonic()
        elapsed, last = elapsed + now - last, now
        if step % 50 == 0:
            print(f"step {step} {elapsed:.0f} s {seen / 1e6:.2f}M tokens {(seen - first_seen) / (elapsed - first_elapsed):.0f}/s rate {factor:.3f} loss {running:.4f}", flush=True)
        if now - last_save > options.save_seconds or elapsed >= total or stopped:
            save(CHECKPOINT, model, average, opts, step, elapsed, seen)
            last_save = now
    print("stopped" if stopped else "done", flush=True)


if __name__ == "__main__":
    main()
