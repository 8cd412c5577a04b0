"""Prompts that training never sees, each with a check of the answer. The same seed gives the same prompts."""
import json
import random
import re
from dataclasses import dataclass
from typing import Callable

from corpus import subjects, tasks, words
from corpus.grammar import expand, join_words
from corpus.streaming_qa import held_out_questions


@dataclass
class Prompt:
    kind: str
    text: str
    good: Callable[[str], bool]
    more: tuple[str, Callable[[str], bool]] | None = None  # a harder check, and its name


def names(answer, word):
    return re.search(rf"\b{re.escape(word)}", answer, re.IGNORECASE) is not None


# No training request is worded like these.
UNSEEN_REQUESTS = ["I am bored, entertain me with a story about {about}", "My daughter would love a story about {about}",
                   "Compose a brief story featuring {about}"]
USUAL_REQUESTS = [
    "[Tell|Write] me a story about {about}", "[Tell|Write] a story about {about}", "Can you tell me a story about {about}?",
    "Please [tell|write] a [short |little |]story about {about}", "A story about {about}, please", "I want a story about {about}",
    "Story about {about}", "[Could|Can|Would] you [write|make up|invent] a [little |short |]story about {about}?",
    "Make up a story about {about}", "I'd like to hear a story about {about}"]


def names_all(chosen):
    return lambda answer: all(names(answer, s.word) for s in chosen)


def names_all_later(chosen):
    """Many stories begin with a sentence that only lists the subjects, so this looks at what comes after the first."""
    return "named again after the first sentence", lambda answer: names_all(chosen)(answer.partition(". ")[2])


def story(rng, chosen):
    templates = UNSEEN_REQUESTS if rng.random() < 0.3 else USUAL_REQUESTS
    about = join_words([s.asked for s in chosen])
    return Prompt(f"story, {len(chosen)} subjects", expand(rng.choice(templates), {"about": about}, rng), names_all(chosen), names_all_later(chosen))


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
                  lambda a: parsed(a) is not None and set(keys) <= set(parsed(a)), ("given values exact", lambda a: parsed(a) == value))


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
    text, answer = tasks.sum_task(rng, held_out=True)
    return Prompt("sum, at most two digits", text, lambda a: a.strip() == answer)


def has_keys(keys):
    return lambda answer: all(any(k.lower() in answer.lower() for k in key.split("|")) for key in keys)


def question_prompts(rng):
    for question, keys in held_out_questions(rng):
        yield Prompt("question, unseen phrasing", question, has_keys(keys))


# Further from all wordings of the corpus than the rest.
FAR_REQUESTS = ["Spin me a yarn about {about}", "Let your imagination run: {about}", "Could we get one of your tales, this time with {about} in the leading roles?",
                 "I have two minutes; a story on {about} would be fine", "Put {about} into a story for my nephew", "Narrate an adventure of {about}"]
FAR_QUESTIONS = [
    ("What would happen if I pulled the plug on my reader?", ["stop"]), ("Which flag picks the port?", ["--port"]), ("Will a machine with no GPU do?", ["CPU|C#"]),
    ("Where can I find the chat page?", ["serve"]), ("Who built you, and on what?", ["script|trained"]), ("Explain why a long prompt delays the first word", ["prefill|prompt"]),
    ("Does a seed make results reproducible?", ["same"]), ("What limits how fast decoding can be?", ["memory|one new token"]), ("What is the use of sharing prefixes between requests?", ["prefix|begin"]),
    ("Which URL tells me that the model has loaded?", ["/health"]), ("What does nginx have to do with my stream coming late?", ["buffer"]),
    ("Which one is bidirectional, SSE or a WebSocket?", ["SSE", "WebSocket"]), ("Am I allowed to put Sluice into a product?", ["Apache"]),
    ("Could a phone that reads slowly hold up everybody?", ["never waits|bounded"]), ("How do I lock the server with a key?", ["--api-key"]),
    ("Which file type does a model have to be?", ["GGUF"]), ("Show the request that I must send with curl", ["/v1/chat/completions"]),
    ("After a network failure, can my page go on reading where it was?", ["event|log"]), ("By which sign does a client know the end of the stream?", ["finish_reason"]),
    ("What does a draft model save?", ["draft|guess"]), ("Why are weights stored with 8 bits?", ["bits"]), ("What becomes of the keys and values of old tokens?", ["keys and values"]),
]


def far_prompts(rng):
    for count in (1, 2, 2, 3) * 5:
        chosen = unseen(rng, count)
        text = expand(rng.choice(FAR_REQUESTS), {"about": join_words([s.asked for s in chosen])}, rng)
        yield Prompt("story, unfamiliar request", text, names_all(chosen), names_all_later(chosen))
    for _ in range(20):
        yield story(rng, unseen(rng, 3))
    for question, keys in FAR_QUESTIONS:
        yield Prompt("question, unfamiliar wording", question, has_keys(keys))


def prompts(seed=7):
    rng = random.Random(seed)
    out = [story(rng, unseen(rng, 1)) for _ in range(40)] + [story(rng, unseen(rng, 2)) for _ in range(40)]
    out += [story(rng, unseen_pair(rng)) for _ in range(30)] + [story(rng, unseen(rng, 3)) for _ in range(10)]
    for make, count in ((json_prompt, 40), (list_prompt, 15), (category_prompt, 15), (repeat_prompt, 25), (reverse_prompt, 25),
                        (sum_prompt, 30)):
        out += [make(rng) for _ in range(count)]
    return out + list(question_prompts(rng)) + list(far_prompts(random.Random(seed + 1)))
