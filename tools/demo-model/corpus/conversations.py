"""Whole conversations: a list of (role, text), mixed from all the parts."""
from . import copying, introductions, poems, smalltalk, stories, streaming_qa, tasks

SYSTEM = ["You are a helpful assistant.", "You are Rivulet, a small model.", "You are a friendly assistant.", "Answer briefly.",
          "You are Rivulet, a small language model that runs in Sluice.", "Be kind and brief.", "You are a storyteller.",
          "You are a helpful assistant that tells stories and answers questions.", "Help the user.", "You are a chat bot."]

KINDS = {stories.exchange: 26, streaming_qa.exchange: 42, tasks.exchange: 54, smalltalk.exchange: 10, introductions.exchange: 2.5,
         poems.exchange: 3}

DRILLS = {copying.repeat_task: 2, copying.form_task: 2, copying.reverse_task: 4, copying.others_task: 1, tasks.sum_task: 3, tasks.sums_task: 2,
          tasks.list_task: 2, tasks.json_task: 1}


def conversation(rng):
    messages = []
    if rng.random() < 0.25:
        messages.append(("system", rng.choice(SYSTEM)))
    turns = rng.choices((1, 2, 3, 4, 6, 8), (60, 15, 10, 8, 4, 3))[0]
    memory, kind = {}, None
    for _ in range(turns):
        if kind is stories.exchange and rng.random() < 0.5:
            exchange = stories.follow_up
        elif kind and rng.random() < 0.12:
            exchange = smalltalk.follow_up
        elif memory.get("name") and rng.random() < 0.2:
            exchange = introductions.exchange
        else:
            if kind is None or rng.random() < 0.6:
                kind = rng.choices(list(KINDS), list(KINDS.values()))[0]
            exchange = kind
        ask, answer = exchange(rng, memory)
        messages += [("user", ask), ("assistant", answer)]
    return messages


def drill(rng):
    """The same kind of task several times. Early in training these teach to copy, which all else then builds on."""
    task = rng.choices(list(DRILLS), list(DRILLS.values()))[0]
    return [message for _ in range(rng.randint(2, 6)) for message in zip(("user", "assistant"), task(rng))]
