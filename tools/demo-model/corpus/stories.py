"""A story about one, two or three subjects, and the request for it."""
from . import plots, requests, words
from .grammar import expand, join_words, sentences
from .subjects import named, pick_several

INTROS = ["[This is|Here is|Here comes|Listen to|Let me tell you|I know] [the story|a story|the tale|a tale] of {all}.", "[This is|Here is|Here comes] [a|the] [story|tale] about {all}.",
          "[This story|This tale|My story] is about {all}.", "[Once there were|There once were] {all}."]
INTRO_SHARE = {1: 0.2, 2: 0.7, 3: 0.9}
AFTER_INTRO = ["{The1} lived {spot}.", "{Spot} lived {the1}.", "{Time}, {the1} woke up {spot}.", "It began {spot}, where {the1} lived.", "At first, {the1} was alone {spot}."]


def request(subjects, rng, length="normal"):
    return requests.request([s.asked for s in subjects], rng, length)


def title(subjects):
    names = join_words([("" if s.the == s.word else "the ") + s.word.title() for s in subjects])
    return f"**{names[0].upper()}{names[1:]}**"


def side_character(subjects, rng):
    return rng.choice([n for n in words.GIVEN_NAMES if n not in {s.word for s in subjects}])


def cast(subjects, rng):
    """The subjects in order of their roles: a hero (invented when none is asked for), then the others."""
    heroes = [s for s in subjects if s.kind == "animate" and s.pronoun != "they"]
    if heroes:
        hero = heroes[0]
    else:
        hero = named(side_character(subjects, rng), rng)
    return [hero] + [s for s in subjects if s is not hero]


def story(subjects, rng, length="normal"):
    roles = cast(subjects, rng)
    slots = dict(plots.DETAILS)
    for i, subject in enumerate(roles, 1):
        slots.update(subject.slots(i))
    slots["N"] = side_character(roles, rng)
    openings, intro = [o for o in plots.OPENINGS if " who " not in roles[0].first or " who " not in o], []
    if rng.random() < INTRO_SHARE[len(subjects)]:
        template = rng.choice(INTROS if len(subjects) > 1 else INTROS[:-1])
        intro = [expand(template, {"all": join_words([s.first for s in subjects])}, rng)]
        openings = AFTER_INTRO
        slots.update({f"a{i}": s.the for i, s in enumerate(roles, 1) if s in subjects})
    kind = roles[1].kind if len(roles) > 1 else "none"
    joins = [rng.choice(plots.JOIN[s.kind]) for s in roles[2:]]
    joins = [tuple(part.replace("3}", f"{i}}}") for part in join) for i, join in enumerate(joins, 3)]
    if length == "short":
        steps = intro + [rng.choice(plots.SHORT[kind])] + [second for _, second in joins]
        return sentences(" ".join(expand(s, slots, rng) for s in steps))

    plot = rng.choice({"none": plots.HERO, "animate": plots.FRIEND, "thing": plots.THING, "place": plots.PLACE,
                       "topic": plots.TOPIC}[kind])
    keep = 0.95 if length == "long" else 0.12
    steps = [step for step in plot if not isinstance(step, tuple) or rng.random() < keep]
    steps = [step[1] if isinstance(step, tuple) else step for step in steps]
    for before, after in joins:
        steps.insert(2, before)
        steps.insert(len(steps) - 1, after)
    steps[:0] = intro + [rng.choice(openings)]
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
    length = rng.choice(("normal",) * 16 + ("short",) * 4 + ("long",))
    subjects = memory["subjects"] = pick_several(rng, rng.choice((1, 1, 2, 2, 2, 3, 3)))
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
                     {"about": join_words([s.asked for s in subjects])}, rng)
    else:
        ask = expand("[Another one|Another story, please|One more|Again|Tell me another one|More|One more story][|!|.]", {}, rng)
    return ask, story(subjects, rng)
