"""Requests for a story: an opener, a kind of story, a linker to the subjects, sometimes a tail."""
from . import words
from .grammar import expand, join_words

OPENERS = [
    "[Tell|Write|Give|Make|Read|Show|Send] me {s}", "[Tell|Write|Make up|Give|Read] us {s}", "[Write|Tell|Make up|Invent|Create|Produce|Draft] {s}",
    "[Think of|Think up|Dream up|Come up with|Begin|Start|Improvise|Imagine|Put together] {s}", "[I want|I need|We need|I wish for|I'd like|I would like|We want] {s}",
    "[I want|I'd like|I would like|I would love|We would like|I am in the mood] to [hear|read|have|get|enjoy] {s}",
    "[Can|Could|Will|Would] you [|please |kindly ][tell me|write|write me|make up|invent|give me|create|think of|come up with] {s}?",
    "[May|Can|Could] [I|we] [have|hear|get|read] {s}?", "[Do you know|Do you have|Have you got|Is there|Where is] {s}?",
    "{S}[|, please]", "{S}[|, please]", "[How about|What about] {s}?", "[Let's|Let us|Let me] [hear|have|read|see] {s}", "[Time for|Next,|Next:|And now|Task:] {s}",
    "[Surprise|Delight|Amuse|Cheer|Impress|Comfort] [me|us] with {s}", "[Go ahead with|Go for|Try|Do|Share] {s}",
    "[My|Our] [son|kids|sister|brother|friend|class|grandmother|cousin|neighbors] [asked for|asks for|wished for|hopes for|is waiting for] {s}",
    "I [love|like|collect|am looking for] {s}", "Your [task|job] is to [write|tell|invent|make up] {s}", "It would be [nice|great|lovely] to [hear|have|read] {s}",
    "You [should|could|may] [write|tell me|invent] {s} [now|next]", "[What would|What does] {s} [sound like|look like]?"]
BEFORE = ["Hi! ", "Hello, ", "Please ", "Okay, ", "Rivulet, ", "Hey, ", "Good evening. ", "Thanks. ", "It is late. ", "I cannot sleep. ", "It is raining. ", "I am tired, ",
          "We are on a long train ride, ", "The kids are in bed. ", "One more thing: ", "I have an idea: ", "You are a writer. ", "Let us have some fun. ", "Today is Sunday, so ",
          "I feel sad. ", "My day was long, so please ", "Quick: ", "There is time left, "]
KINDS = {"normal": ["a story"] * 10 + ["a short story", "a little story", "a tale", "a fairy tale", "a bedtime story", "a nice story", "a funny story", "a good story", "a sweet story",
                                       "a simple story", "an adventure", "a fable", "a new story", "a small tale", "the story", "a legend", "some story", "a happy story", "a quick story",
                                       "stories", "something", "a text", "a few lines"],
         "long": ["a long story", "a longer story", "a long tale", "a really long story"],
         "short": ["a very short story", "a tiny story", "a mini story", "a story in two sentences", "a story in three sentences", "a very short tale"]}
LINKERS = ["about {x}"] * 8 + ["with {x}"] * 3 + [
    "featuring {x}", "featuring {x}", "starring {x}", "on {x}", "of {x}", "around {x}", "involving {x}", "including {x}", "that has {x} in it", "that is about {x}", "with {x} in it",
    "in which {x} [appears|appear]", "that mentions {x}", "that tells of {x}", "where there is {x}", "that includes {x}", "concerning {x}", "for {x}", "containing {x}", "and use {x}",
    "in which I can find {x}", "all about {x}", "about [just|only] {x}", "that features {x}", "that deals with {x}", "that begins with {x}", "and let it be about {x}",
    "[using|having|presenting] {x}", "whose subject is {x}"]
PAIR_LINKERS = ["in which {a} meets {b}", "where {a} meets {b}", "where {a} finds {b}", "about how {a} met {b}", "about {a} who meets {b}", "about {a} and also {b}", "about both {a} and {b}",
                "about {a} together with {b}", "about {a}, with {b}", "about {a} that also has {b} in it", "with {a} as the hero and {b}", "with {a} and with {b}", "about {a} or {b}",
                "about {a} plus {b}", "about {a} & {b}", "featuring {a} and also {b}", "starring {a} and {b}", "about the day when {a} came across {b}", "in which {a} and {b} meet",
                "about {a} in search of {b}", "that has both {a} and {b}", "about {a} as well as {b}", "where {a} has to do with {b}"]
WHOLE = ["{X}: [a story|tell me a story|write a tale]", "{X}. [A story, please|Tell me a story about them|Write a story|Go]", "story: {x}", "story about {x}", "{x} story",
         "[Subjects|Characters|Topics|Heroes|Words]: {l}. [Write a story|Tell me a story|Make a story of it]", "[Take|Use] {x} and [make|write|tell] a story",
         "[Here are my words|Here is what I want in it]: {l}. [Write a story with them|Make a story]", "Once upon a time there was {x}. [Go on|Continue|What happened next?]",
         "What happens [with|to] {x}? Tell me a story", "[Tell me|Write] about {x}", "[Let|Have] {x} be [in|part of] a story", "I want to hear about {x}", "Story time! {x}",
         "Write something about {x}", "Tell me about {x} in a story", "There once was {x}. [Tell me more|Tell me the story]", "{X} [walk|come] into a story. Write it",
         "[Use|Weave|Bring|Work|Fit] {x} into [a|some|your next] [story|tale]", "[Imagine|Think of|Picture] {x}. [What is their story?|Tell me what happens.|Now tell a story.]", "{X}, [please|go]", "[Let me see|Show me] what you make of {x}",
         "A story must have {x} in it, [write|tell] it", "[Today|Tonight|This evening] I want {x}[ in a story|]", "Your subject[s are| is|:] {x}", "The hero[es are| is] {x}"]
PAIR_WHOLE = ["{A} meets {b}. [Tell me the story|Write the story|What happens?]", "What happens when {a} meets {b}? [Tell me a story|Write it as a story]", "{A} and {b}: [a story|a tale]",
              "story: {a}, {b}", "{A} finds {b}. [Tell the story|Write about it]", "How did {a} meet {b}? [Tell me|Write a story]", "I like {a} and {b}. [Tell me a story|Write a story about them]"]
TAILS = ["for children", "for my son", "for a friend", "that ends well", "with a happy end", "in a few sentences", "before I sleep", "right now", "for [my|our|the|a] {p}", "for [my|our|the|a] {p}", "for my {p} {n}", "as my {p} would tell it", "so that my {p} smiles", "to read to [my|the] {p}", "for the [party|class|evening|trip|birthday of {n}]",
         "with [nobody|nothing] else in it", "in the style of a {p}", "like a {p} would", "as [the main characters|heroes|the stars|main figures]", "this time", "if you can", "in simple words",
         "when you are ready", "thanks", "please", "and make it nice", "to cheer me up"]

PEOPLE = [w for w in words.PEOPLE if w in words.ANIMATE]


def listing(items, rng):
    if len(items) == 3 and rng.random() < 0.25:
        return rng.choice((f"{items[0]}, {items[1]}, and {items[2]}", f"{items[0]} and {items[1]} and {items[2]}", f"{items[0]}, {items[1]} and also {items[2]}"))
    return join_words(items)


def request(asked, rng, length="normal"):
    """asked: the subjects as the request names them, in order."""
    a, b = (asked + asked)[:2]
    slots = {"x": listing(asked, rng), "l": ", ".join(asked) if rng.random() < 0.6 else join_words(asked), "a": a, "b": b}
    pair = len(asked) == 2 and rng.random() < 0.35
    if length == "normal" and rng.random() < 0.15:
        text = expand(rng.choice(PAIR_WHOLE if pair else WHOLE), slots, rng)
    else:
        kind = rng.choice(KINDS[length])
        linker = expand(rng.choice(PAIR_LINKERS if pair else LINKERS), slots, rng)
        tail = " " + expand(rng.choice(TAILS), {"p": PEOPLE, "n": words.GIVEN_NAMES}, rng) if rng.random() < 0.22 else ""
        text = expand(rng.choice(OPENERS[:3] if rng.random() < 0.3 else OPENERS), {"s": f"{kind} {linker}{tail}"}, rng)
    if rng.random() < 0.2:
        before = rng.choice(BEFORE)
        text = before + (text if before[-2] in ".!" else text[0].lower() + text[1:])
    if rng.random() < 0.12:
        text = text[0].lower() + text[1:]
    return text if text[-1] in "?." or rng.random() < 0.4 else text + rng.choice((".", ".", "!"))
