"""Small structured tasks: lists, JSON, repeating and reordering words, sums, counting."""
import json

from . import words
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
    count = rng.randint(2, min(len(pool), 10))
    items = pool[:count] if category in ORDERED else rng.sample(pool, count)
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


def json_value_text(value, rng):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return rng.choice((value, f'"{value}"', value))
    return str(value)


def json_task(rng):
    keys = rng.sample(list(FIELDS), rng.randint(1, 5))
    keys = [words.any_word(rng).lower() if rng.random() < 0.15 else k for k in keys]
    keys = list(dict.fromkeys(keys))
    value_of = lambda k: FIELDS[k](rng) if k in FIELDS else rng.choice((words.any_word(rng), rng.randint(0, 99)))
    given = rng.random() < 0.65
    value = {k: words.any_word(rng) if rng.random() < 0.25 else value_of(k) for k in keys} if given else \
        {k: value_of(k) for k in keys}
    if given:
        form = rng.choice(("{k} {v}", "{k} = {v}", "{k}: {v}", "{k} {v}"))
        pairs = [form.format(k=k, v=json_value_text(v, rng)) for k, v in value.items()]
        listed = rng.choice((join_words(pairs), ", ".join(pairs)))
        ask = expand("[Write|Give me|Make|Create|Return] [a JSON object|JSON|an object in JSON] with [|the fields ]{x}", {"x": listed}, rng)
    else:
        quote = rng.random() < 0.2
        names = [f'"{k}"' if quote else k for k in keys]
        ask = expand("[Write|Give me|Make|Create|Return|I need] [a JSON object|JSON|an example JSON object] with [the fields|the keys|fields] {x}",
                     {"x": join_words(names)}, rng)
    if rng.random() < 0.2:
        return ask + rng.choice((" in a code block", ", in a code block", " as a code block")), \
            "```json\n" + json.dumps(value, indent=2) + "\n```"
    return ask + rng.choice(("", ".", "")), json.dumps(value)


def some_words(rng, low, high):
    count = rng.randint(low, high)
    chosen = []
    while len(chosen) < count:
        word = words.any_word(rng)
        if word not in chosen:
            chosen.append(word)
    return chosen


def given(items, rng):
    return rng.choice((" ", " ", ", ")).join(items)


def repeat_task(rng, most=8):
    items = some_words(rng, 1, most)
    text = given(items, rng)
    ask = expand(rng.choice(("Repeat[ these words| after me| this| exactly|]: {x}", "[Say|Write|Copy] this: {x}", "Say \"{x}\"", "Repeat \"{x}\"",
                             "[Echo|Copy|Repeat] the [following|words]: {x}", "Say: {x}", "Please repeat: {x}", "Say {x}")), {"x": text}, rng)
    return ask, text


def reverse_task(rng):
    items = some_words(rng, 2, 7)
    separator = rng.choice((" ", " ", ", "))
    ask = expand("[Reverse these words|Reverse the order of these words|Reverse the words|Write these words backwards|Say these words in reverse order|"
                 "Put these words in reverse order|Reverse|Turn these words around]: {x}", {"x": separator.join(items)}, rng)
    return ask, separator.join(reversed(items))


def sort_task(rng):
    items = some_words(rng, 2, 5)
    separator = rng.choice((" ", ", "))
    ask = expand("[Sort these words|Sort alphabetically|Put these words in alphabetical order|Sort these words alphabetically]: {x}",
                 {"x": separator.join(items)}, rng)
    return ask, separator.join(sorted(items, key=str.lower))


def position_task(rng):
    items = some_words(rng, 2, 7)
    at = rng.choice((0, len(items) - 1, rng.randrange(len(items))))
    ordinals = "first second third fourth fifth sixth seventh".split()
    name = "last" if at == len(items) - 1 and rng.random() < 0.8 else ordinals[at]
    return expand("[What is|Which is|Tell me] the {n} word[ of| in| here|]: {x}", {"n": name, "x": given(items, rng)}, rng), items[at]


def count_task(rng):
    items = some_words(rng, 1, 9)
    ask = expand("[How many words are these|Count these words|How many words|Count the words]: {x}", {"x": given(items, rng)}, rng)
    return ask, f"{len(items)} word{'s' if len(items) > 1 else ''}"


SUMS = ["What is {a} + {b}?", "{a} + {b}", "{a}+{b}", "Add {a} and {b}", "What is {a} plus {b}?", "How much is {a} + {b}?", "{a} + {b} = ?",
        "Calculate {a} + {b}", "What is the sum of {a} and {b}?"]
DIFFERENCES = ["What is {a} - {b}?", "{a} - {b}", "{a}-{b}", "Subtract {b} from {a}", "What is {a} minus {b}?", "How much is {a} - {b}?",
               "{a} - {b} = ?", "Calculate {a} - {b}"]


def held_out_sum(a, b):
    """One pair in twenty, of those with a number above nine, is not in training."""
    return max(a, b) > 9 and (a * 1009 + b * 31) % 20 == 7


def sum_task(rng, held_out=False, most_digits=3):
    while True:
        digits = rng.choice((1, 1, 2, 2, 2, 3)[:6 if most_digits == 3 else 5])
        a, b = (rng.randint(0, 10 ** rng.randint(1, digits) - 1) for _ in range(2))
        if held_out_sum(a, b) == held_out:
            break
    plus = rng.random() < 0.6
    if not plus:
        a, b = max(a, b), min(a, b)
    ask = expand(rng.choice(SUMS if plus else DIFFERENCES), {"a": str(a), "b": str(b)}, rng)
    return ask, f"{a} + {b} = {a + b}" if plus else f"{a} - {b} = {a - b}"


SENTENCES = ["The {a} likes the {b}.", "I see a {a} and a {b}.", "Where is my {a}?", "A {a} is not a {b}!", "hello {a}", "my {a} is {c}",
             "One {a}, two {b}.", "{N} has a {c} {a}.", "Good morning, {N}!", "the {c} {a} and the {c} {b}", "{N} and {M} went home."]


def sentence_task(rng):
    text = expand(rng.choice(SENTENCES), {"a": words.any_word(rng), "b": words.any_word(rng), "c": rng.choice(words.ADJECTIVES + words.THING_ADJECTIVES),
                                          "N": rng.choice(words.GIVEN_NAMES), "M": rng.choice(words.GIVEN_NAMES)}, rng)
    ask = expand(rng.choice(("Repeat[ after me| this| this sentence| exactly|]: {x}", "[Say|Write|Copy|Repeat] \"{x}\"", "Say: {x}", "[Copy|Echo] this: {x}")),
                 {"x": text}, rng)
    return ask, text


def array_task(rng):
    if rng.random() < 0.5:
        items = some_words(rng, 2, 5)
        return expand("[Write|Make|Give me] [a JSON array|a JSON list|an array in JSON] [with|of] [|the words ]{x}", {"x": join_words(items)}, rng), json.dumps(items)
    category = rng.choice([c for c in CATEGORIES if c not in ORDERED])
    count = rng.randint(2, min(5, len(CATEGORIES[category])))
    ask = expand("[Write|Make|Give me|Return] a JSON [array|list] of {n} {c}", {"n": rng.choice((str(count), NUMBER_WORDS[count])), "c": category}, rng)
    return ask, json.dumps(rng.sample(CATEGORIES[category], count))


def repeated_word_task(rng):
    word, count = words.any_word(rng), rng.randint(2, 6)
    ask = expand("[Say|Write|Repeat] [the word |]{w} {n} times", {"w": word, "n": rng.choice((str(count), NUMBER_WORDS[count]))}, rng)
    return ask, " ".join([word] * count)


TASKS = [(sentence_task, 1.5), (array_task, 1.2), (repeated_word_task, 0.8), (list_task, 6), (json_task, 7), (repeat_task, 5), (reverse_task, 5), (sort_task, 0.7), (position_task, 1),
         (count_task, 1), (sum_task, 6)]


def exchange(rng, memory):
    task = rng.choices([t for t, _ in TASKS], [w for _, w in TASKS])[0]
    return task(rng)
