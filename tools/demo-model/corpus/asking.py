"""One question in many wordings: wrapped in small talk, with other words for the same, or only its key words."""
import re

from .grammar import expand

BEFORE = ["Hi! ", "Hello, ", "Quick question: ", "I have a question. ", "One question: ", "Please tell me, ", "Tell me, ", "Sorry, ", "Hey, ", "Just wondering: ", "Rivulet, ", "Can you help me? ",
          "Help! ", "I am new to this. ", "I am a beginner. ", "Now something else: ", "Another question: ", "Okay, ", "And ", "But ", "So ", "Well, ", "By the way, ", "Thanks! ", "I am curious: ",
          "A colleague asked me: ", "My boss wants to know: ", "For my notes: ", "I forgot: ", "Once more: ", "Could you explain? ", "I am lost. ", "In short: ", "Honestly, ", "A friend asked: ",
          "Something I never understood: ", "In my app, users ask: ", "I was reading the docs. ", "Seriously, "]
AFTER = [" Thanks!", " Please explain.", " I am new to this.", " Keep it short.", " I have no idea.", " In simple words, please.", " Tell me more.", " I really want to know.", " Please help.",
         " I could not find it.", " A short answer is enough.", " I am curious."]
TERM = ["[What exactly is|What really is|What in the world is|So what is|And what is|What kind of thing is|Now what is] {t}?", "{T}: what is [that|it|this]?", "{T}, what does [it|that] mean?",
        "I [do not|don't] [understand|get|know] {t}[.|, help|, please explain]", "I have [never|often] heard of {t}[.|, what is that?|. What is it?]", "[Everyone|Everybody|My team] talks about {t}[, but what is it?|. What is it?]",
        "[I came across|I stumbled over|I read of|I saw|Someone mentioned] {t}[ in the docs| in a blog| yesterday|][. What is it?|, what is that?|. What does it do?|, what does it mean?]",
        "[Teach me|Help me understand|Give me a definition of|Describe|Clarify|Say what is meant by|Tell me something about|Tell me more about|Introduce me to|Summarize] {t}",
        "What should I know about {t}?", "[Why is|Why would I need|Who needs|Where is] {t}[ important| useful|]?", "What is the [meaning|point|idea|purpose|role] of {t}?", "How does {t} [work|help]?",
        "What do [people|you|they|engineers] [mean by|call] {t}?", "[Is there a simple explanation of|Do you have an explanation of|Do you know what is] {t}?", "{T}?", "{t}", "{t} meaning", "{t} definition", "{t} explained",
        "What is this thing called {t}?", "[Have you heard of|Are you familiar with|Do you know about|Do you know] {t}?", "[Tell|Remind] me what {t} is", "What is meant by {t}?", "the [term|word] {t}, what is it?",
        "A question about {t}: what is it?", "I wonder what {t} is", "I [want|need|would like] to [understand|learn about|know about] {t}", "Let us talk about {t}", "[My question is about|It is about] {t}"]
ABOUT = ["Help with {}", "It is about {}", "My question: {}", "What about {}?", "Please say something on {}", "{}, how?", "{}, why?", "{}, what now?", "{}, is that possible?", "I have trouble with {}",
         "What can you tell me about {}?", "Could you tell me more on {}?", "{} - what do you know of it?", "I was wondering about {}", "Do you know: {}?", "My team argues about {}, help us", "We discuss {} today. What do you say?",
         "In our system: {}?", "Where do I read about {}?", "Would you explain {} to a child?", "Is there more to say about {}?", "The topic is {}"]
SYNONYMS = [("start", "boot|run|begin|bring up|fire up|use"), ("stop", "end|halt|cancel|abort|quit|finish"), ("use", "work with|apply|take"), ("change", "set|pick|switch|alter|choose|configure"),
            ("see", "look at|view|watch|check"), ("show me", "give me|I need|I want|print"), ("explain", "describe|tell me about|clarify"), ("difference", "contrast|distinction"), ("fast", "quick"), ("slow", "late|sluggish"),
            ("lower", "cut|shrink|bring down"), ("happens", "is going on|takes place"), ("large", "big|huge"), ("larger", "bigger|better|stronger|other"), ("another", "a different|a new|some other"), ("support", "know|allow|have|offer"),
            ("need", "require|want"), ("send", "make|issue"), ("model", "language model|LLM|network"), ("stream", "token stream|streamed answer"), ("answer", "reply|response|text"), ("server", "program|service"), ("client", "reader|browser|app"),
            ("generation", "answer|run|output"), ("connection", "socket|network"), ("How do I", "How can I|How to|How could I|What do I do to|Is there a way to|What is the way to|Can I|Tell me how to|I want to|I would like to|I need to|Please help me to"),
            ("How can I", "How do I|How to|What can I do to|Any way to|I want to"), ("Why", "How come|For what reason|What is the reason that"), ("What happens", "What is going on|What do you do|What does Sluice do"), ("written", "made|coded|built"),
            ("Can I", "Could I|May I|Am I able to|Is it possible to|I want to|How do I|Would it be possible to"), ("Does Sluice", "Does this server|Does your server|Does it|Would Sluice|Will Sluice"), ("Sluice", "this server|the server|Sluice"), ("does", "will"),
            ("What can you", "What all can you|Which things can you|What things do you|What could you"), ("Which", "What"), ("arrive", "come|appear|show up"), ("break", "drop|fail|die"), ("breaks", "drops|fails|dies"), ("disconnects", "leaves|goes away|hangs up"),
            ("good", "helpful|great|nice"), ("set", "choose|give|define"), ("load", "run|open|take|use"), ("you", "you|this model|Rivulet")]
SMALL = set("""a an the is are do does i my in of to it its what how can why which on for with me and that this by so be when there at from or you your should did was will would could""".split())


def other_words(text, rng):
    for word, others in rng.sample(SYNONYMS, len(SYNONYMS)):
        if rng.random() < 0.5:
            text = re.sub(rf"\b{word}\b", lambda _: rng.choice(others.split("|")), text, count=1)
    return text


def key_words(text, rng):
    """As one types into a search box."""
    kept = [w for w in re.findall(r"[^\s?,.]+", text) if w.lower() not in SMALL or rng.random() < 0.15]
    if rng.random() < 0.3:
        rng.shuffle(kept)
    return " ".join(kept).lower() if rng.random() < 0.6 else " ".join(kept)


def term_of(question):
    match = re.fullmatch(r"What is ([^?\[]+)\?", question)
    return match and match.group(1)


def ask(questions, rng):
    term = term_of(questions[0])
    if term and rng.random() < 0.5:
        text = expand(rng.choice(TERM), {"t": term if rng.random() < 0.8 else re.sub(r"^(a|an|the) ", "", term)}, rng)
    else:
        text = expand(rng.choice(questions), {}, rng)
        roll = rng.random()
        if roll < 0.4:
            text = other_words(text, rng)
        elif roll < 0.55 and len(text.split()) > 3:
            searched = key_words(text, rng)
            if len(searched.split()) > 1:
                text = searched if rng.random() < 0.4 else rng.choice(ABOUT).format(searched)
    if rng.random() < 0.25:
        text = rng.choice(BEFORE) + (text if rng.random() < 0.6 else text[0].lower() + text[1:])
    if rng.random() < 0.1:
        text += ("" if text[-1] in "?." else ".") + rng.choice(AFTER)
    return text
