"""Small structured tasks: lists, JSON, sums, and the copying ones."""
import json

from . import copying, objects, words
from .copying import some_words
from .grammar import expand, join_words

NUMBER_WORDS = "zero one two three four five six seven eight nine ten eleven twelve".split()

CATEGORIES = {
    "animals": words.ANIMALS, "jobs": [w for w in words.PEOPLE if w in """baker farmer fisherman sailor teacher doctor nurse painter
    gardener tailor shoemaker librarian pilot astronaut scientist engineer programmer detective waiter barber butcher mechanic
    firefighter dentist judge""".split()],
    "fruits": "apple pear plum cherry peach lemon orange banana grape mango kiwi melon fig apricot".split(),
    "vegetables": "carrot potato tomato onion cabbage spinach pepper cucumber broccoli bean pea leek".split(),
    "colors": "red blue green yellow orange purple pink brown black white gray turquoise".split(),
    "planets": "Mercury Venus Earth Mars Jupiter Saturn Uranus Neptune".split(),
    "days of the week": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split(),
    "months": "January February March April May June July August September October November December".split(),
    "musical instruments": "drum flute violin piano guitar trumpet harp clarinet organ oboe".split(),
    "tools": "hammer saw shovel ladder drill wrench pliers broom rope axe".split(),
    "vehicles": "car bus truck train bicycle boat airplane tractor helicopter ship".split(),
    "flowers": "rose tulip daisy sunflower lily orchid violet dandelion poppy".split(),
    "trees": "oak willow maple birch pine beech ash elm cedar".split(),
    "seasons": "spring summer autumn winter".split(),
    "birds": "sparrow robin raven crow eagle hawk owl swan goose parrot dove heron".split(),
    "sports": "football tennis swimming running cycling basketball volleyball hockey skiing rowing".split(),
    "drinks": "water tea coffee milk juice lemonade cocoa".split(),
    "pieces of furniture": "table chair bed sofa shelf desk lamp wardrobe".split(),
    "pieces of clothing": "hat coat shirt scarf sock shoe glove jacket dress".split(),
    "names": words.GIVEN_NAMES,
    "ways to stream tokens": ["SSE", "WebSocket", "NDJSON", "gRPC"],
    "programming languages": "Python Java Rust Go C JavaScript Ruby Swift Kotlin".split() + ["C#"],
}
ORDERED = ("planets", "days of the week", "months", "seasons")


def format_list(items, style):
    if style == "numbers":
        return "\n".join(f"{i}. {item}" for i, item in enumerate(items, 1))
    return "\n".join(f"- {item}" for item in items)


def following(category, count, rng):
    """Things of a kind in their fixed order, from any of them on: so none comes twice."""
    pool = CATEGORIES[category]
    at = 0 if category in ORDERED else rng.randrange(min(len(pool), 40))
    return [pool[(at + i) % len(pool)] for i in range(count)]


def list_task(rng):
    if rng.random() < 0.3:
        items = some_words(rng, 2, 6)
        style = rng.choice(("numbers", "bullets"))
        ask = expand({"numbers": "[Make|Write] a numbered list of|Number these words:|Turn this into a numbered list:",
                      "bullets": "[Make|Write] a [bullet |]list of|Make a list with these words:|Turn this into a list:"}[style]
                     .join(("[", "]")), {}, rng)
        return f"{ask} {rng.choice((', '.join(items), join_words(items)))}", format_list(items, style)
    category = rng.choice(list(CATEGORIES))
    pool = CATEGORIES[category]
    count = rng.randint(2, min(len(pool), rng.choice((6, 6, 6, 10))))
    items = following(category, count, rng)
    number = NUMBER_WORDS[count] if rng.random() < 0.6 else str(count)
    style = rng.choice(("numbers", "numbers", "bullets"))
    ask = expand(rng.choice(("[List|Name|Give me|Write down|Tell me] {n} {c}", "[Make|Write|Give me] a list of {n} {c}",
                             "Can you [list|name] {n} {c}?", "I need {n} {c}", "{n} {c}, please", "What are {n} {c}?")),
                 {"n": number, "c": category}, rng)
    if style == "bullets":
        ask = ask.rstrip("?") + rng.choice((" as bullet points", " as a bullet list"))
    return ask, format_list(items, style)


FIELDS = {
    "name": lambda r: r.choice(words.GIVEN_NAMES), "age": lambda r: r.randint(1, 99),
    "city": lambda r: r.choice("Paris Rome Oslo Lima Cairo Tokyo Berlin Vienna Delhi Quito Dublin Porto".split()),
    "color": lambda r: r.choice(CATEGORIES["colors"]), "animal": lambda r: r.choice(words.ANIMALS),
    "fruit": lambda r: r.choice(CATEGORIES["fruits"]), "count": lambda r: r.randint(0, 500), "price": lambda r: r.randint(1, 900),
    "active": lambda r: r.random() < 0.5, "job": lambda r: r.choice(CATEGORIES["jobs"]), "id": lambda r: r.randint(1, 999),
    "title": lambda r: r.choice(words.THING), "year": lambda r: r.randint(1900, 2030), "done": lambda r: r.random() < 0.5,
    "country": lambda r: r.choice("France Italy Norway Peru Egypt Japan Kenya Chile".split()),
    "friend": lambda r: r.choice(words.GIVEN_NAMES), "size": lambda r: r.choice(("small", "medium", "large")),
    "status": lambda r: r.choice(("open", "closed", "ready")), "level": lambda r: r.randint(1, 10),
    "model": lambda r: r.choice(("Rivulet", "small", "large")), "stream": lambda r: r.random() < 0.5,
    "language": lambda r: r.choice(CATEGORIES["programming languages"]), "tool": lambda r: r.choice(CATEGORIES["tools"]),
}


SUMS = ["What is {a} + {b}?", "{a} + {b}", "{a}+{b}", "Add {a} and {b}", "What is {a} plus {b}?", "How much is {a} + {b}?", "{a} + {b} = ?",
        "Calculate {a} + {b}", "What is the sum of {a} and {b}?"]
DIFFERENCES = ["What is {a} - {b}?", "{a} - {b}", "{a}-{b}", "Subtract {b} from {a}", "What is {a} minus {b}?", "How much is {a} - {b}?",
               "{a} - {b} = ?", "Calculate {a} - {b}"]


def held_out_sum(a, b):
    """One pair in twenty, of those with a number above nine, is not in training."""
    return max(a, b) > 9 and (a * 1009 + b * 31) % 20 == 7


def sum_task(rng, held_out=False):
    while True:
        if not held_out and rng.random() < 0.6:
            a, b = rng.randint(0, 99), rng.randint(0, 99)
        else:
            digits = rng.choice((1, 1, 2, 2, 2))
            a, b = (rng.randint(0, 10 ** rng.randint(1, digits) - 1) for _ in range(2))
        if held_out_sum(a, b) if held_out else not (held_out_sum(a, b) or held_out_sum(b, a)):
            break
    plus = rng.random() < 0.6
    if not plus:
        a, b = max(a, b), min(a, b)
    ask = expand(rng.choice(SUMS if plus else DIFFERENCES), {"a": str(a), "b": str(b)}, rng)
    return ask, f"{a} + {b} = {a + b}" if plus else f"{a} - {b} = {a - b}"


def sums_task(rng):
    """Several sums in one go."""
    sums = [sum_task(rng)[1] for _ in range(rng.randint(2, 12))]
    asked, form = [s.split(" =")[0] for s in sums], rng.choice(copying.USUAL)
    if form == "spaces":
        form = "commas"
    return expand("[Calculate|Solve|What is|Work out|Add up]", {}, rng) + copying.after("", copying.FORMS[form](asked), rng), "\n".join(sums)


def json_task(rng):
    return objects.task(rng, FIELDS)


def array_task(rng):
    if rng.random() < 0.5:
        return objects.array_task(rng, some_words(rng, 2, 5))
    category = rng.choice([c for c in CATEGORIES if c not in ORDERED])
    count = rng.randint(2, min(5, len(CATEGORIES[category])))
    ask = expand("[Write|Make|Give me|Return] a JSON [array|list] of {n} {c}", {"n": rng.choice((str(count), NUMBER_WORDS[count])), "c": category}, rng)
    return ask, json.dumps(following(category, count, rng))


TASKS = {copying.form_task: 8, copying.repeat_task: 6, copying.reverse_task: 16, copying.position_task: 2, copying.others_task: 1.5, copying.count_task: 0.6,
         copying.repeated_word_task: 0.6, copying.sentence_task: 1.2, array_task: 1.5, list_task: 9, json_task: 9, sum_task: 6, sums_task: 4}


def exchange(rng, memory):
    task = rng.choices(list(TASKS), list(TASKS.values()))[0]
    return task(rng)
