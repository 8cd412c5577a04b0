"""JSON objects with asked fields or given values. Any key may have any type, so only the prompt tells it."""
import json

from . import words
from .grammar import expand, join_words

FIELDS_MORE = """owner speed weight note place kind label number limit ready hidden open host port path user score total visible length width hero food
song key value enabled message text result street""".split()


def value(rng):
    roll = rng.random()
    if roll < 0.45:
        return words.any_word(rng)
    if roll < 0.75:
        return rng.randint(0, 10 ** rng.randint(1, 3) - 1)
    return rng.random() < 0.5


def value_text(value, rng):
    if isinstance(value, str):
        return f'"{value}"' if rng.random() < 0.15 else value
    return json.dumps(value)


def keys(rng, fields):
    chosen = rng.sample(list(fields) + FIELDS_MORE, rng.choice((1, 2, 2, 3, 3, 4, 4, 5)))
    return list(dict.fromkeys(words.any_word(rng).lower() if rng.random() < 0.3 else k for k in chosen))


MAKE = "[Write|Give me|Create|Make|Return|Write|Give me|Create|I need|Show me|Print|Please write]"


def task(rng, fields):
    """fields: a usual value for each usual key."""
    names = keys(rng, fields)
    if rng.random() < 0.65:
        natural = rng.random() < 0.2
        made = {k: fields[k](rng) if k in fields and natural else value(rng) for k in names}
        form = rng.choice(("{k} {v}", "{k} = {v}", "{k}: {v}", "{k} {v}", "{k} = {v}", "{k}: {v}", "{k}={v}", "{k} set to {v}", "{k} as {v}"))
        pairs = [form.format(k=k, v=value_text(v, rng)) for k, v in made.items()]
        if rng.random() < 0.15:
            ask = expand("[Turn this into JSON|As JSON|Make a JSON object of this|Convert to JSON]", {}, rng) + rng.choice((":\n" + "\n".join(pairs), ": " + ", ".join(pairs)))
        else:
            listed = join_words(pairs) if rng.random() < 0.75 else ", ".join(pairs)
            ask = expand(MAKE + " [a JSON object|a JSON object|a JSON object|JSON|an object in JSON] with [|||the fields |the values ]{x}", {"x": listed}, rng)
    else:
        # What nobody asked for may be anything, but it should be a word that there is.
        made = {k: fields[k](rng) if k in fields else rng.choice((rng.choice(words.THING), rng.choice(words.GIVEN_NAMES), rng.randint(0, 99), rng.random() < 0.5)) for k in names}
        shown = [f'"{k}"' for k in names] if rng.random() < 0.15 else names
        ask = expand(MAKE + " [a JSON object|a JSON object|JSON|an example JSON object] with [the fields|the fields|the keys|fields] {x}",
                     {"x": join_words(shown) if rng.random() < 0.85 else ", ".join(shown)}, rng)
    if rng.random() < 0.08:
        return ask + rng.choice((" in a code block", ", in a code block", " as a code block")), "```json\n" + json.dumps(made, indent=2) + "\n```"
    return ask + rng.choice(("", "", "", ".")), json.dumps(made)


def array_task(rng, items):
    return expand("[Write|Make|Give me] [a JSON array|a JSON list|an array in JSON] [with|of] [|the words ]{x}", {"x": join_words(items)}, rng), json.dumps(items)
