"""Tasks that copy given words: repeated, rearranged, and with other signs around them.

A word's tokens differ with what is before it (a space, a quote, a new line), so the same word is seen between many signs.
"""
import json

from . import words
from .grammar import expand, join_words


def some_words(rng, low, high):
    count = rng.randint(low, high)
    chosen = []
    while len(chosen) < count:
        word = words.any_word(rng)
        if word not in chosen:
            chosen.append(word)
    return chosen


def quoted(items):
    return ", ".join(f'"{i}"' for i in items)


# How a row of words may be written; the first three are the most usual.
FORMS = {
    "spaces": " ".join, "commas": ", ".join, "lines": "\n".join, "tight commas": ",".join, "and": join_words, "quotes": quoted,
    "array": json.dumps, "brackets": lambda items: "(" + ", ".join(items) + ")", "bullets": lambda items: "\n".join(f"- {i}" for i in items),
    "numbers": lambda items: "\n".join(f"{n}. {i}" for n, i in enumerate(items, 1)), "slashes": "/".join, "semicolons": "; ".join,
    "hyphens": " - ".join, "each in brackets": lambda items: " ".join(f"({i})" for i in items), "each in quotes": lambda items: " ".join(f'"{i}"' for i in items),
}
NAMES = {
    "spaces": ["with spaces between them", "on one line", "without commas"], "commas": ["with commas", "separated by commas"],
    "lines": ["one per line", "each on its own line", "on separate lines"], "tight commas": ["with commas but no spaces"], "and": ["as a sentence would list them", "joined with 'and'"],
    "quotes": ["in quotes, with commas", "in quotes"], "array": ["as a JSON array", "as JSON"], "brackets": ["in brackets"], "bullets": ["as bullet points", "as a bullet list"],
    "numbers": ["as a numbered list", "numbered"], "slashes": ["with slashes between them"], "semicolons": ["with semicolons"], "hyphens": ["with hyphens between them"],
    "each in brackets": ["each in brackets"], "each in quotes": ["each in quotes, with spaces"],
}
USUAL = list(FORMS)[:3]


def usual_form(rng):
    return FORMS[rng.choice(USUAL if rng.random() < 0.3 else ("spaces", "spaces", "commas"))]


def after(ask, text, rng):
    """The words may follow on the same line, in quotes or on the next line."""
    return ask + (rng.choice((":\n", ":\n\n")) if "\n" in text or rng.random() < 0.1 else ": ") + text


def form_task(rng):
    items = some_words(rng, 1, 6)
    before, wanted = rng.choice(list(FORMS)), rng.choice(list(FORMS))
    ask = expand("[Write|Give me|Put|Show me|Print] [these words|this|the words|the following] ", {}, rng) + rng.choice(NAMES[wanted])
    return after(ask, FORMS[before](items), rng), FORMS[wanted](items)


def repeat_task(rng, most=7):
    items = some_words(rng, 1, most)
    text = usual_form(rng)(items)
    if rng.random() < 0.25 and "\n" not in text:
        return expand(rng.choice(("[Say|Repeat|Write|Copy|Print] \"{x}\"", "[Say|Please repeat|Just say] {x}", "[Say|Repeat|Echo] ({x})", "{x}. Repeat that", "What does \"{x}\" say?")),
                      {"x": text}, rng), text
    ask = expand("[Repeat|Repeat|Repeat these words|Repeat these words|Repeat after me|Repeat this|Repeat exactly|Say this|Write this|Copy this|Echo the words|Copy the following|Say|Please repeat|"
                 "Say these words|Copy these words|Print|Repeat the words|Write these words]", {}, rng)
    return after(ask, text, rng), text


def reverse_task(rng):
    items = some_words(rng, 2, 5)
    form = usual_form(rng)
    ask = expand("[Reverse these words|Reverse the order of these words|Reverse the words|Write these words backwards|Say these words in reverse order|"
                 "Put these words in reverse order|Reverse|Turn these words around|Reverse these words|Reverse the order of these words]", {}, rng)
    return after(ask, form(items), rng), form(items[::-1])


def position_task(rng):
    items = some_words(rng, 2, 6)
    roll = rng.random()
    if roll < 0.5:
        at = rng.randrange(len(items))
        name = "last" if at == len(items) - 1 and rng.random() < 0.6 else "first second third fourth fifth sixth".split()[at]
        return after(expand("[What is|Which is|Tell me] the {n} word[ of| in| here|]", {"n": name}, rng), usual_form(rng)(items), rng), items[at]
    at = rng.randrange(len(items) - 1)
    if roll < 0.75:
        return after(expand("[What comes after|Which word follows|Which word is after] {w}", {"w": items[at]}, rng), usual_form(rng)(items), rng), items[at + 1]
    return after(expand("[What comes before|Which word is before] {w}", {"w": items[at + 1]}, rng), usual_form(rng)(items), rng), items[at]


def others_task(rng):
    """All but one: what has been said, and what has not."""
    items = some_words(rng, 2, 5)
    out = rng.choice(items)
    rest = [i for i in items if i != out]
    form = usual_form(rng)
    return after(expand("[Leave out|Remove|Drop] {w}", {"w": out}, rng), form(items), rng), form(rest)


def count_task(rng):
    items = some_words(rng, 1, 9)
    return after(expand("[How many words are these|Count these words|How many words|Count the words]", {}, rng), usual_form(rng)(items), rng), \
        f"{len(items)} word{'s' if len(items) > 1 else ''}"


def repeated_word_task(rng):
    word, count = words.any_word(rng), rng.randint(2, 6)
    number = rng.choice((str(count), "zero one two three four five six".split()[count]))
    return expand("[Say|Write|Repeat] [the word |]{w} {n} times", {"w": word, "n": number}, rng), " ".join([word] * count)


SENTENCES = ["The {a} likes the {b}.", "I see a {a} and a {b}.", "Where is my {a}?", "A {a} is not a {b}!", "hello {a}", "my {a} is {c}",
             "One {a}, two {b}.", "{N} has a {c} {a}.", "Good morning, {N}!", "the {c} {a} and the {c} {b}", "{N} and {M} went home."]


def sentence_task(rng):
    text = expand(rng.choice(SENTENCES), {"a": words.any_word(rng), "b": words.any_word(rng), "c": rng.choice(words.ADJECTIVES + words.THING_ADJECTIVES),
                                          "N": rng.choice(words.GIVEN_NAMES), "M": rng.choice(words.GIVEN_NAMES)}, rng)
    ask = expand(rng.choice(("Repeat[ after me| this| this sentence| exactly|]: {x}", "[Say|Write|Copy|Repeat] \"{x}\"", "Say: {x}", "[Copy|Echo] this: {x}")), {"x": text}, rng)
    return ask, text
