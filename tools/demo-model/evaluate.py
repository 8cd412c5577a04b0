#!/usr/bin/env python3
"""Measures held-out prompts: evaluate.py --url http://127.0.0.1:8080 | --gguf FILE | --checkpoint"""
import argparse
import json
import sys
import urllib.request
from collections import Counter

import heldout


def server(url, temperature, seed):
    def ask(text):
        body = {"messages": [{"role": "user", "content": text}], "temperature": temperature, "seed": seed, "max_tokens": 500}
        request = urllib.request.Request(url.rstrip("/") + "/v1/chat/completions", json.dumps(body).encode(),
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=300) as response:
            choice = json.load(response)["choices"][0]
        return choice["message"]["content"], choice["finish_reason"] == "stop"
    return ask


def in_process(options, temperature, seed):
    import torch
    from bpe import Tokenizer
    from generate import generate, load_checkpoint, load_gguf
    model = load_gguf(options.gguf) if options.gguf else load_checkpoint()
    tokenizer, generator = Tokenizer.load(), torch.Generator().manual_seed(seed)
    return lambda text: generate(model, tokenizer, [("user", text)], temperature, generator=generator)


def share(good, count):
    return f"{good}/{count} = {100 * good / count:.1f} %"


def measure(ask, prompts, out):
    ended, good, more, total, more_total = Counter(), Counter(), Counter(), Counter(), Counter()
    for prompt in prompts:
        answer, by_itself = ask(prompt.text)
        right = prompt.good(answer)
        total[prompt.kind] += 1
        ended[prompt.kind] += by_itself
        good[prompt.kind] += right
        if prompt.more:
            name, check = prompt.more
            more_total[prompt.kind, name] += 1
            more[prompt.kind, name] += check(answer)
        out.write(f"[{prompt.kind}] {'ok' if right else 'WRONG'}{'' if by_itself else ' UNENDED'}\n> {prompt.text}\n{answer}\n\n")
    stories = [k for k in total if k.startswith("story")]
    print(f"ends by itself: {share(sum(ended.values()), sum(total.values()))}")
    print(f"stories that name every asked subject: {share(sum(good[k] for k in stories), sum(total[k] for k in stories))}")
    for kind in total:
        print(f"  {kind}: {share(good[kind], total[kind])}")
        for key in more_total:
            if key[0] == kind:
                print(f"    {key[1]}: {share(more[key], more_total[key])}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--url")
    parser.add_argument("--gguf")
    parser.add_argument("--checkpoint", action="store_true")
    parser.add_argument("--temperature", type=float, action="append", help="may be given several times; default 0 and 0.7")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=int, default=1, help="only every n-th prompt")
    parser.add_argument("--answers", default="/dev/null", help="a file for all answers")
    options = parser.parse_args()
    if not (options.url or options.gguf or options.checkpoint):
        parser.error("say what to measure: --url, --gguf or --checkpoint")
    prompts = heldout.prompts()[::options.every]
    with open(options.answers, "w") as out:
        for temperature in options.temperature or (0.0, 0.7):
            ask = server(options.url, temperature, options.seed) if options.url else in_process(options, temperature, options.seed)
            print(f"temperature {temperature}, seed {options.seed}, {len(prompts)} prompts")
            measure(ask, prompts, out)
            sys.stdout.flush()


if __name__ == "__main__":
    main()
