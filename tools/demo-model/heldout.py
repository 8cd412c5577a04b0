"""Prompts that training never sees, each with a check of the answer. The same seed gives the same prompts."""
import json
import random
import re
from dataclasses import dataclass
from typing import Callable

from corpus import stories, subjects, tasks, words
from corpus.grammar import expand, join_words
from corpus.streaming_qa import held_out_questions


@dataclass
class Prompt:
    kind: str
    text: str
    good: Callable[[str], bool]
    exact: Callable[[str], bool] | None = None


def names(answer, word):
    return re.search(rf"\b{re.escape(word)}", answer, re.IGNORECASE) is not None


def story(rng, chosen):
    templates = stories.REQUESTS_HELD_OUT if rng.random() < 0.3 else stories.REQUESTS[:10]
    about = join_words([s.asked for s in chosen])
    wanted = [s.word for s in chosen]
    return Prompt(f"story, {len(chosen)} subjects", expand(rng.choice(templates), {"about": about}, rng),
                  lambda answer: all(names(answer, w) for w in wanted))


def unseen(rng, count):
    chosen = []
    while len(chosen) < count:
        kind = rng.choice(list(words.HELD_OUT))
        word = rng.choice(words.HELD_OUT[kind])
        if word not in {s.word for s in chosen}:
            chosen.append(subjects.make(word, kind, rng, plain=True))
    return chosen


def unseen_pair(rng):
    while True:
        pair = [(rng.choice(words.POOLS[kind]), kind) for kind in (rng.choice(("animate", "thing", "place")) for _ in range(2))]
        if pair[0][0] != pair[1][0] and subjects.held_out_pair(pair[0][0], pair[1][0]):
            return [subjects.make(word, kind, rng, plain=True) for word, kind in pair]


def unseen_words(rng, low, high):
    pool = sorted(w for w in words.held_out_words() if " " not in w)
    return rng.sample(pool, rng.randint(low, high))


def parsed(answer):
    body = re.sub(r"^```(?:json)?\n|\n```$", "", answer.strip())
    try:
        value = json.loads(body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def json_prompt(rng):
    keys = rng.sample(list(tasks.FIELDS), rng.randint(1, 4))
    if rng.random() < 0.3:
        keys[0] = unseen_words(rng, 1, 1)[0]
    if rng.random() < 0.4:
        text = f"{rng.choice(('Write', 'Give me', 'Create'))} a JSON object with the fields {join_words(keys)}"
        return Prompt("JSON", text, lambda a: parsed(a) is not None and set(keys) <= set(parsed(a)))
    value = {k: rng.choice((unseen_words(rng, 1, 1)[0], rng.randint(0, 999), rng.random() < 0.5)) for k in keys}
    value_text = {k: v if isinstance(v, str) else json.dumps(v) for k, v in value.items()}
    form = rng.choice(("{k} {v}", "{k} = {v}", "{k}: {v}"))
    listed = join_words([form.format(k=k, v=value_text[k]) for k in keys])
    return Prompt("JSON", f"{rng.choice(('Write', 'Give me', 'Create'))} a JSON object with {listed}",
                  lambda a: parsed(a) is not None and set(keys) <= set(parsed(a)), lambda a: parsed(a) == value)


def list_prompt(rng):
    items = unseen_words(rng, 3, 6)
    answer = tasks.format_list(items, "numbers")
    return Prompt("list of given words", "Make a numbered list of " + ", ".join(items), lambda a: a.strip() == answer)


def category_prompt(rng):
    category = rng.choice([c for c, pool in tasks.CATEGORIES.items() if len(pool) >= 6])
    count = rng.randint(2, 6)
    pool = {w.lower() for w in tasks.CATEGORIES[category]}

    def good(answer):
        lines = [re.sub(r"^(\d+\.|-) ", "", line).lower() for line in answer.strip().split("\n")]
        return len(lines) == len(set(lines)) == count and set(lines) <= pool
    return Prompt("list of a category", f"{rng.choice(('List', 'Name'))} {rng.choice((str(count), tasks.NUMBER_WORDS[count]))} {category}", good)


def repeat_prompt(rng):
    text = " ".join(unseen_words(rng, 2, 6))
    return Prompt("repeat", rng.choice(("Repeat: ", "Repeat these words: ")) + text, lambda a: a.strip() == text)


def reverse_prompt(rng):
    items = unseen_words(rng, 2, 5)
    return Prompt("reverse", rng.choice(("Reverse these words: ", "Reverse the order of these words: ")) + " ".join(items),
                  lambda a: a.strip() == " ".join(reversed(items)))


def sum_prompt(rng):
    text, answer = tasks.sum_task(rng, held_out=True, most_digits=2)
    return Prompt("sum, at most two digits", text, lambda a: a.strip() == answer)


def question_prompts(rng):
    for question, keys in held_out_questions(rng):
        yield Prompt("question, unseen phrasing", question,
                     lambda a, keys=keys: all(any(k.lower() in a.lower() for k in key.split("|")) for key in keys))


def prompts(seed=7):
    rng = random.Random(seed)
    out = [story(rng, unseen(rng, 1)) for _ in range(40)] + [story(rng, unseen(rng, 2)) for _ in range(40)]
    out += [story(rng, unseen_pair(rng)) for _ in range(30)] + [story(rng, unseen(rng, 3)) for _ in range(10)]
    for make, count in ((json_prompt, 40), (list_prompt, 15), (category_prompt, 15), (repeat_prompt, 25), (reverse_prompt, 25),
                        (sum_prompt, 30)):
        out += [make(rng) for _ in range(count)]
    return out + list(question_prompts(rng))
