"""Templates: [one|another] chooses, {slot} fills in. A slot with a capital first letter capitalizes its text.

Brackets and braces that belong to the text are written ⟦ ⟧ ⦃ ⦄.
"""
import re

CHOICE = re.compile(r"\[([^\[\]]*)\]")
SLOT = re.compile(r"\{(\w+)\}")
LITERAL = str.maketrans("⟦⟧⦃⦄", "[]{}")
SENTENCE_START = re.compile(r"(^|[.!?] |\n\n)([a-z])")


def expand(template, slots, rng):
    """Slots are strings, or lists to choose from anew at each use."""
    def choose(match):
        return rng.choice(match.group(1).split("|"))

    def fill(match):
        name = match.group(1)
        key = name if name in slots else name[0].lower() + name[1:]
        value = slots[key]
        if isinstance(value, (list, tuple)):
            value = rng.choice(value)
        return value if key == name else value[0].upper() + value[1:]

    while CHOICE.search(template):
        template = CHOICE.sub(choose, template)
    while SLOT.search(template):
        template = SLOT.sub(fill, template)
    return template.translate(LITERAL)


def sentences(text):
    """Capitalizes the beginnings of sentences."""
    return SENTENCE_START.sub(lambda m: m.group(1) + m.group(2).upper(), text)


def join_words(words, last="and"):
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + f" {last} " + words[-1]


def with_article(noun):
    return ("an " if noun[0] in "aeiou" and not noun.startswith(("uni", "use", "one")) or noun.startswith("hour") else "a ") + noun
