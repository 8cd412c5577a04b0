"""What a story is about: a noun with its articles, pronouns and kind."""
import zlib
from dataclasses import dataclass

from . import words
from .grammar import with_article


@dataclass
class Subject:
    word: str
    kind: str        # animate, thing, place, topic
    asked: str       # as the request says it: 'a fox', 'rain', 'Mira', 'dragons'
    first: str       # first mention in the story
    the: str         # later mentions
    pronoun: str     # it, he, she, they

    def slots(self, i):
        forms = {"it": ("it", "it", "its"), "he": ("he", "him", "his"), "she": ("she", "her", "her"),
                 "they": ("they", "them", "their")}[self.pronoun]
        return {f"a{i}": self.first, f"the{i}": self.the, f"it{i}": forms[0], f"him{i}": forms[1],
                f"his{i}": forms[2], f"was{i}": "were" if self.pronoun == "they" else "was", f"word{i}": self.word}


def pronoun_of(word, kind, rng):
    if kind in ("thing", "place", "topic"):
        return "it"
    last = word.split()[-1]
    if last in words.FEMALE or word in ("little girl", "old woman"):
        return "she"
    if last in words.MALE or word == "old man":
        return "he"
    if word in words.ANIMALS:
        return rng.choice(("it", "it", "he", "she"))
    return rng.choice(("he", "she"))


def plural(word):
    if word.endswith(("s", "x", "ch", "sh", "z")):
        return word + "es"
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + "s"


IRREGULAR = set("""mouse goose sheep deer salmon goldfish fisherman postman snowman child thief dwarf elf wolf ferryman
bison reindeer moose knife leaf shelf octopus starfish jellyfish series alien scissors""".split())


def make(word, kind, rng, plain=False):
    """plain: the bare noun, as evaluation asks for it."""
    pronoun = pronoun_of(word, kind, rng)
    if kind == "topic":
        return Subject(word, kind, word, rng.choice(("", "the ")) + word, "the " + word, "it")
    adjectives = {"animate": words.ADJECTIVES, "thing": words.THING_ADJECTIVES, "place": words.PLACE_ADJECTIVES}[kind]
    roll = 1 if plain else rng.random()
    if roll < 0.06 and kind == "animate" and " " not in word and word not in IRREGULAR:
        many = plural(word)
        return Subject(many, kind, many, rng.choice(("two ", "three ", "two ", "some ")) + many, "the " + many, "they")
    if roll < 0.22 and " " not in word:
        adjective = rng.choice(adjectives)
        return Subject(word, kind, with_article(adjective + " " + word), with_article(adjective + " " + word),
                       f"the {adjective} {word}" if rng.random() < 0.2 else "the " + word, pronoun)
    if roll < 0.29 and kind == "animate":
        now, then = rng.choice(words.QUIRKS)
        return Subject(word, kind, f"{with_article(word)} who {now}", f"{with_article(word)} who {then}", "the " + word,
                       pronoun)
    first = with_article(rng.choice(adjectives) + " " + word) if rng.random() < 0.4 and " " not in word else with_article(word)
    asked = rng.choice((with_article(word),) * 6 + ("the " + word, word))
    return Subject(word, kind, with_article(word) if plain else asked, first, "the " + word, pronoun)


def named(name, rng):
    pronoun = "he" if name in words.HIS_NAMES else "she" if name in words.HER_NAMES else rng.choice(("he", "she"))
    role = rng.choice(("boy", "man", "farmer's son") if pronoun == "he" else ("girl", "woman", "farmer's daughter"))
    asked = name if rng.random() < 0.6 else f"{with_article(role)} {rng.choice(('named', 'called'))} {name}"
    first = name if rng.random() < 0.5 else f"{with_article(role)} {rng.choice(('named', 'called'))} {name}"
    return Subject(name, "animate", asked, first, name, pronoun)


def pick(rng, used):
    roll = rng.random()
    if roll < 0.45:
        # Nothing tells what an unknown word is, so the first one is always the hero.
        return make(words.invented(rng), rng.choice(("animate", "thing", "place")) if used else "animate", rng)
    if roll < 0.5:
        name = words.invented(rng).capitalize() if rng.random() < 0.6 else rng.choice(words.GIVEN_NAMES)
        return named(name, rng)
    kind = rng.choice(("animate",) * 10 + ("thing",) * 8 + ("place",) * 4 + ("topic",))
    while True:
        word = rng.choice(words.POOLS[kind])
        if word not in used:
            return make(word, kind, rng)


def held_out_pair(a, b):
    """One pair in twenty never occurs in training."""
    return zlib.crc32("+".join(sorted((a, b))).encode()) % 20 == 0


def pick_several(rng, count):
    while True:
        chosen = []
        for _ in range(count):
            chosen.append(pick(rng, {s.word for s in chosen}))
        names = [s.word for s in chosen]
        if len(set(names)) == count and not any(
                held_out_pair(a, b) for i, a in enumerate(names) for b in names[i + 1:]):
            return chosen
