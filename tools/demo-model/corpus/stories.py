"""A story about one, two or three subjects, and the request for it."""
from . import plots, words
from .grammar import expand, join_words, sentences
from .subjects import named, pick_several

REQUESTS = [
    "[Tell|Write] me a story about {about}", "[Tell|Write] a story about {about}", "Can you tell me a story about {about}?",
    "Please [tell|write] a [short |little |]story about {about}", "A story about {about}, please", "I want a story about {about}",
    "Story about {about}", "[Could|Can|Would] you [write|make up|invent] a [little |short |]story about {about}?",
    "Make up a story about {about}", "I'd like to hear a story about {about}", "Write a [fairy tale|tale|bedtime story] about {about}",
    "Tell me about {about} in a story", "Do you know a story about {about}?", "Give me a [short |nice |funny |]story about {about}",
    "tell me a story about {about}", "Tell us a [nice |]story [with|about] {about}", "Invent a tale [with|about] {about}",
    "Once upon a time there was {about}. [Go on|Continue]", "write a short story with {about}", "Let's hear a story about {about}",
    "Write something about {about}", "I want to hear about {about}", "Story time! {about}", "How about a story [with|about] {about}?",
    "Next, a story about {about}", "[Surprise|Delight] me with a story about {about}", "We need a story about {about}",
    "Think of a story about {about}", "[Start|Begin] a story about {about}", "I love stories about {about}", "Hi! [Tell|Write] me a story about {about}", "A [bedtime story|tale] about {about}",
]
PAIR_REQUESTS = ["[Tell|Write] me a story in which {a} meets {b}", "A story where {a} meets {b}", "Write a story about how {a} met {b}",
                 "What happens when {a} meets {b}? Tell me a story", "{a} meets {b}. [Tell me the story|Write the story]",
                 "story: {a}, {b}", "Tell me a story with {a} and also {b}"]
REQUESTS_HELD_OUT = ["I am bored, entertain me with a story about {about}", "My daughter would love a story about {about}",
                     "Compose a brief story featuring {about}"]
LONG_REQUESTS = ["[Tell|Write] me a long story about {about}", "Write a longer story about {about}",
                 "Please tell a long [tale|story] about {about}"]
SHORT_REQUESTS = ["[Tell|Write] me a [very short|tiny] story about {about}", "A story about {about} in [two|three] sentences",
                  "Write a mini story about {about}", "A very short story about {about}, please"]


def about(subjects, rng):
    return join_words([s.asked for s in subjects], "and")


def request(subjects, rng, length="normal"):
    if length == "normal" and len(subjects) == 2 and rng.random() < 0.12:
        return expand(rng.choice(PAIR_REQUESTS), {"a": subjects[0].asked, "b": subjects[1].asked}, rng)
    templates = {"normal": REQUESTS, "long": LONG_REQUESTS, "short": SHORT_REQUESTS}[length]
    text = expand(rng.choice(templates), {"about": about(subjects, rng)}, rng)
    return text if text[-1] == "?" or rng.random() < 0.4 else text + rng.choice((".", ".", "!"))


def title(subjects):
    names = join_words([("" if s.the == s.word else "the ") + s.word.title() for s in subjects])
    return f"**{names[0].upper()}{names[1:]}**"


def side_character(subjects, rng):
    return rng.choice([n for n in words.GIVEN_NAMES if n not in {s.word for s in subjects}])


def cast(subjects, rng):
    """The subjects in order of their roles: a hero (invented when none is asked for), then the others."""
    heroes = [s for s in subjects if s.kind == "animate" and s.pronoun != "they"]
    if heroes:
        hero = rng.choice(heroes[:2])
    else:
        hero = named(side_character(subjects, rng), rng)
    return [hero] + [s for s in subjects if s is not hero]


def story(subjects, rng, length="normal"):
    roles = cast(subjects, rng)
    slots = dict(plots.DETAILS)
    for i, subject in enumerate(roles, 1):
        slots.update(subject.slots(i))
    slots["N"] = side_character(roles, rng)
    kind = roles[1].kind if len(roles) > 1 else "none"
    joins = [rng.choice(plots.JOIN[s.kind]) for s in roles[2:]]
    joins = [tuple(part.replace("3}", f"{i}}}") for part in join) for i, join in enumerate(joins, 3)]
    if length == "short":
        steps = [rng.choice(plots.SHORT[kind])] + [second for _, second in joins]
        return sentences(" ".join(expand(s, slots, rng) for s in steps))

    openings = [o for o in plots.OPENINGS if " who " not in roles[0].first or " who " not in o]
    plot = rng.choice({"none": plots.HERO, "animate": plots.FRIEND, "thing": plots.THING, "place": plots.PLACE,
                       "topic": plots.TOPIC}[kind])
    keep = 0.95 if length == "long" else 0.35
    steps = [step for step in plot if not isinstance(step, tuple) or rng.random() < keep]
    steps = [step[1] if isinstance(step, tuple) else step for step in steps]
    for before, after in joins:
        steps.insert(2, before)
        steps.insert(len(steps) - 1, after)
    steps.insert(0, rng.choice(openings))
    if length == "long":
        second = rng.choice(plots.HERO)
        steps += ["But that was not the end of the story."] + [s if isinstance(s, str) else s[1] for s in second[:-1]]
    steps.append(rng.choice(plots.DETAILS["end"]))
    parts = [expand(step, slots, rng) for step in steps]
    middle = len(parts) // 2
    text = sentences(" ".join(p for p in parts[:middle] if p)) + rng.choice(("\n\n", " ")) + \
        sentences(" ".join(p for p in parts[middle:] if p))
    return (title(subjects) + "\n\n" if rng.random() < 0.04 else "") + text


def exchange(rng, memory):
    length = rng.choice(("normal",) * 12 + ("short",) * 2 + ("long",))
    subjects = memory["subjects"] = pick_several(rng, rng.choice((1, 1, 2, 2, 2, 2, 3)))
    return request(subjects, rng, length), story(subjects, rng, length)


def follow_up(rng, memory):
    """A request that only makes sense after a story."""
    roll, before = rng.random(), memory["subjects"]
    if roll < 0.12:
        ask = expand("[Make it shorter|Shorter, please|Can you make it shorter|The same, but shorter|Make it short]", {}, rng)
        return ask, story(before, rng, "short")
    if roll < 0.18:
        ask = expand("[Make it longer|Longer, please|Can you make it longer?|The same, but longer]", {}, rng)
        return ask, story(before, rng, "long")
    if roll < 0.28:
        ask = expand("[What was the story about|Who was in the story|What was that about|Which subjects did I ask for]?", {}, rng)
        return ask, expand("[It was|The story was] about {about}.", {"about": join_words([s.the for s in before])}, rng)
    if roll < 0.38:
        ask = expand("[Another one about {about}|Another story about {about}|One more about {about}, please]",
                     {"about": join_words([s.the for s in before])}, rng)
        return ask, story(before, rng)
    memory["subjects"] = subjects = pick_several(rng, rng.choice((1, 2)))
    if roll < 0.8:
        ask = expand(rng.choice(("[Now|And now] [one |a story |]about {about}", "And about {about}?", "[Another|One more], about {about}",
                                 "Now tell me one about {about}", "[Great|Nice]! Now about {about}", "Can I have one about {about}?")),
                     {"about": about(subjects, rng)}, rng)
    else:
        ask = expand("[Another one|Another story, please|One more|Again|Tell me another one|More|One more story][|!|.]", {}, rng)
    return ask, story(subjects, rng)
