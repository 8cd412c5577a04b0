"""Four-line poems: two rhyming couplets that name the subject."""
from .grammar import expand
from .subjects import pick

COUPLETS = [
    ("I saw {a1} at the break of day", "and wished that {it1} would always stay"),
    ("There is {a1} that I once knew", "under a sky so wide and blue"),
    ("{The1} was small, the night was long", "and someone sang a quiet song"),
    ("When evening falls and lamps burn low", "I think of {the1}, and off I go"),
    ("O {word1}, in the morning light", "you make the whole wide world so bright"),
    ("Drip by drop the rivers run", "and {the1} is dreaming in the sun"),
    ("The road goes up, the road goes down", "and {the1} walks it to the town"),
    ("The wind may blow, the rain may fall", "but {the1} does not mind at all"),
    ("A letter came from far away", "and {the1} read it all the day"),
    ("Some look for silver, some for gold", "but {a1} has a tale untold"),
    ("The moon looked down and softly said", "it is late for {the1}, go to bed"),
    ("One word, one step, and then one more", "and {the1} is waiting at the door"),
]
REQUESTS = ["[Write|Make|Give me|Can you write] [a poem|a short poem|a little poem|a rhyme] about {about}", "A poem about {about}[|, please]",
            "[Tell|Write] me a [poem|rhyme] about {about}", "Can you rhyme about {about}?", "I would like a poem about {about}"]


def exchange(rng, memory):
    subject = pick(rng, set())
    while subject.pronoun == "they":
        subject = pick(rng, set())
    memory["subjects"] = None
    slots = subject.slots(1)
    slots["word1"] = subject.word
    first, second = rng.sample(COUPLETS, 2)
    lines = [expand(line, slots, rng) for line in first + second]
    marks = (",", ";", ",", ".")
    poem = "\n".join(line[0].upper() + line[1:] + mark for line, mark in zip(lines, marks))
    return expand(rng.choice(REQUESTS), {"about": subject.asked}, rng), poem
