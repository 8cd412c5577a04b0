"""The user's name, told and remembered."""
from . import words
from .grammar import expand


def exchange(rng, memory):
    if memory.get("name") and rng.random() < 0.7:
        ask = expand("[What is my name|What's my name|Do you remember my name|Who am I|Do you know my name|What did I say my name was]?", {}, rng)
        return ask, expand("[Your name is {n}.|You are {n}.|You told me that your name is {n}.]", {"n": memory["name"]}, rng)
    if rng.random() < 0.12 and not memory.get("name"):
        return "What is my name?", "You have not told me your name yet."
    name = words.invented(rng).capitalize() if rng.random() < 0.4 else rng.choice(words.GIVEN_NAMES)
    memory["name"] = name
    ask = expand("[|Hi, |Hello, |Hi! |Hello! ][my name is {n}|I am {n}|I'm {n}|call me {n}|this is {n}][|.|!]", {"n": name}, rng)
    return ask[0].upper() + ask[1:], expand("[Nice to meet you|Hello|Hi|Welcome], {n}! [What can I do for you?|Shall I tell you a story?|I am Rivulet.|How can I help you?]",
                                            {"n": name}, rng)
