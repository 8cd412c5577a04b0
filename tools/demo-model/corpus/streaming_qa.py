"""Questions and answers about streaming inference and Sluice. The last question of a topic is held out of training
when the topic has four or more."""
from . import asking
from .grammar import expand
from .smalltalk import loosen
from .topics_inference import TOPICS as INFERENCE
from .topics_sluice import TOPICS as SLUICE
from .topics_terms import TOPICS as TERMS

TOPICS = INFERENCE + SLUICE + TERMS


def training_questions(questions):
    return questions[:-1] if len(questions) >= 4 else questions


def held_out_questions(rng):
    """(question, key words that a right answer has) for topics with a held-out phrasing."""
    return [(expand(q[-1], {}, rng), keys) for q, _, keys in TOPICS if len(q) >= 4]


UNSEEN = {questions[-1] for questions, _, _ in TOPICS if len(questions) >= 4}


def exchange(rng, memory):
    questions, answers, _ = rng.choice(TOPICS)
    while True:
        ask = loosen(asking.ask(training_questions(questions), rng), rng)
        if ask not in UNSEEN:
            return ask, expand(rng.choice(answers), {}, rng)
