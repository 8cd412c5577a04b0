"""Questions and answers about streaming inference and Sluice. The last question of a topic is held out of training
when the topic has four or more."""
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


def exchange(rng, memory):
    questions, answers, _ = rng.choice(INFERENCE + SLUICE if rng.random() < 0.8 else TERMS)
    ask = expand(rng.choice(training_questions(questions)), {}, rng)
    return loosen(ask, rng), expand(rng.choice(answers), {}, rng)
