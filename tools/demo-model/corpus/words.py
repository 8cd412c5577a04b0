"""Nouns that stories and tasks are about, those held out of training, and invented ones."""

ANIMALS = """fox rabbit bear wolf owl cat dog mouse hedgehog badger otter beaver squirrel deer moose goat sheep lamb
cow horse pony donkey pig piglet duck duckling goose swan hen rooster sparrow robin raven crow magpie eagle hawk
falcon seagull pelican penguin puffin parrot peacock stork heron flamingo dove pigeon frog toad turtle tortoise
lizard snake gecko crocodile whale dolphin seal shark octopus crab lobster starfish jellyfish salmon goldfish snail
slug spider ant bee wasp butterfly moth beetle ladybug cricket grasshopper firefly dragonfly worm caterpillar lion
tiger leopard panther elephant giraffe zebra hippo rhino monkey gorilla panda koala kangaroo camel llama alpaca bat
raccoon skunk mole hamster kitten puppy lynx walrus reindeer bison sloth chameleon hummingbird woodpecker
ostrich""".split()

PEOPLE = """baker farmer fisherman sailor captain pirate knight king queen prince princess wizard witch teacher
student doctor nurse painter poet singer dancer musician drummer violinist gardener shepherd hunter miller
blacksmith carpenter potter tailor shoemaker clockmaker librarian postman pilot astronaut scientist inventor
engineer programmer detective thief spy soldier guard cook waiter clown magician juggler acrobat giant dwarf elf
fairy ghost dragon unicorn mermaid troll goblin monster robot alien snowman scarecrow girl boy child grandmother
grandfather mother father uncle aunt twin neighbor stranger traveler explorer diver climber runner swimmer barber
butcher plumber mechanic firefighter dentist judge mayor merchant beggar hermit monk beekeeper mapmaker lamplighter
bookseller gatekeeper ferryman weaver dreamer""".split()

THINGS = """lantern lamp candle clock watch bell drum flute violin piano guitar trumpet harp book letter map diary
notebook pencil pen paintbrush painting mirror window door key lock box chest drawer chair table bed blanket pillow
carpet curtain teapot cup mug spoon fork kettle pot pan plate bottle jar basket bucket broom ladder rope hammer nail
saw shovel wheel cart wagon bicycle car bus truck tractor train boat ship raft canoe kite balloon rocket airplane
helicopter parachute umbrella coat scarf hat glove boot shoe sock button ribbon needle thread ring necklace crown
coin stone pebble pearl diamond crystal shell feather leaf flower rose tulip sunflower daisy dandelion acorn seed
tree oak willow apple pear plum cherry peach lemon orange banana pumpkin carrot potato tomato onion mushroom cake
pie cookie pancake sandwich soup cheese egg puppet doll ball puzzle toy camera telescope microscope compass radio
telephone computer printer keyboard satellite magnet battery engine clover cloud rainbow star comet planet moonbeam
snowflake icicle storm river stream wave bridge statue swing tent flag anchor net fence gate wall chimney roof
suitcase backpack wallet ticket stamp postcard newspaper song recipe riddle secret dream shadow echo whistle
sandcastle treehouse windmill machine typewriter""".split()

PLACES = """lighthouse castle forest village island mountain valley desert cave lake beach harbor garden farm orchard
meadow swamp jungle volcano waterfall city market library school museum theater bakery kitchen attic cellar tower
station airport hospital circus zoo palace temple bookshop workshop factory mill barn cottage cabin tavern hotel
playground park cemetery tunnel canyon glacier lagoon reef vineyard greenhouse observatory inn maze pond""".split()

TOPICS = """rain snow wind fire music friendship courage patience kindness silence winter summer autumn spring night
thunder fog sunlight chocolate honey bread coffee tea salt sand gold time luck sleep laughter homework football chess
streaming electricity gravity memory hope""".split()

COMPOUNDS = {
    "thing": """paper boat|toy train|golden key|broken clock|silver spoon|wooden horse|magic hat|old map|red balloon|
glass bottle|music box|snow globe|fishing net|flying carpet|pocket watch|rubber duck|tea cup|stone bridge|
hot air balloon|rocking chair|walking stick|coffee machine|washing machine|traffic light|paper crane""",
    "animate": """polar bear|sea turtle|field mouse|barn owl|mountain goat|little girl|old man|old woman|night watchman|
tooth fairy|train driver|bus driver|guinea pig|wild goose|house cat|street musician|tired programmer""",
    "place": """haunted house|ice cave|train station|night market|apple orchard|coffee shop|desert island|
frozen lake|toy shop|space station|data center|hidden valley|flower shop""",
}

HELD_OUT = {
    "animate": """weasel ferret lemur meerkat antelope cheetah canary nightingale armadillo porcupine vulture
baboon nanny plumber archer sculptor sorcerer viking vampire pharaoh ballerina cowboy ninja samurai chef lumberjack
astronomer locksmith yeti""".split(),
    "thing": """trombone cello accordion wheelbarrow skateboard submarine scooter hourglass thimble marble walnut
avocado pretzel doughnut cupcake tambourine lollipop zipper laptop calculator snowball raindrop sapphire
emerald cactus hammock envelope saxophone doorknob""".split(),
    "place": """monastery pyramid aquarium supermarket shipyard iceberg prairie oasis fortress planetarium""".split(),
}

HIS_NAMES = """Tom Leo Max Finn Hugo Omar Ivan Noah Karim Jonas Theo Milo Otis Luis Piet Oscar Emil Felix Arlo Nils Kofi
Henry Anton Ben Paul""".split()
HER_NAMES = """Mira Ana Nora Ida Ella Rosa Lena Yuki Maya Zoe Alba Priya Greta Clara Freya Hana Amina Ruth Tara June Vera Dora
Sana Lucy Marta Bea""".split()
GIVEN_NAMES = HIS_NAMES + HER_NAMES

ADJECTIVES = """small little old young brave shy clever tired lonely curious kind grumpy quiet cheerful gentle proud
clumsy hungry sleepy forgetful""".split()
THING_ADJECTIVES = "old small tiny strange dusty shiny broken golden silver wooden red blue green heavy forgotten".split()
PLACE_ADJECTIVES = "old quiet lonely dark hidden strange busy small empty distant".split()

QUIRKS = [tuple(part.strip() for part in line.split("/")) for line in """is afraid of the dark / was afraid of the dark
is afraid of water / was afraid of water
cannot sleep / could not sleep
loves to sing / loved to sing
never laughs / never laughed
wants to fly / wanted to fly
lost the way / had lost the way
has no friends / had no friends
collects stones / collected stones
loves music / loved music
talks too much / talked too much
lives on the moon / lived on the moon
learns to swim / learned to swim
dreams of the sea / dreamed of the sea
is always late / was always late
cannot whistle / could not whistle
wants to be a king / wanted to be a king
eats only cake / ate only cake
likes to read / liked to read
is afraid of fire / was afraid of fire""".split("\n")]

FEMALE = set("""hen cow queen princess witch fairy mermaid girl grandmother mother aunt nurse nanny ballerina""".split())
MALE = set("""rooster king prince wizard boy grandfather father uncle fisherman postman monk ferryman snowman""".split())

ONSETS = "b br c ch cl d dr f fl g gl gr h j k kl kr l m n p pl pr qu r s sk sl sn sp st t th tr v w z".split()
VOWELS = "a e i o u ai ee oo ou a e i o u".split()
CODAS = ["", "", "", "l", "n", "r", "m", "k", "t", "x", "sh", "nd", "rt", "mp", "bble", "ster", "lin", "dor", "wick"]


def held_out_words():
    return {w for group in HELD_OUT.values() for w in group}


def compounds(kind):
    return [w.strip() for w in COMPOUNDS[kind].split("|")]


_without = held_out_words()
ANIMATE = [w for w in ANIMALS + PEOPLE if w not in _without] + compounds("animate")
THING = [w for w in THINGS if w not in _without] + compounds("thing")
PLACE = [w for w in PLACES if w not in _without] + compounds("place")
POOLS = {"animate": ANIMATE, "thing": THING, "place": PLACE, "topic": TOPICS}


PARTS = """door snow water wheel moon sun fire wood stone glass iron paper night star wind rain sand salt river sea hill foot hand
eye ear finger ball green long short under over out up back cross hard soft sky mud ink wool silk straw corn nut
pop tip flat sharp""".split()
ENDINGS = """knob barrow keeper maker smith man woman berry fish bird ship phone graph stone wood light house board case book cake
stick pot pan plant bell drum horse worm fly wing tail tooth brush cloth mill yard port line way er ist ian ling let ette ock
ine ose ium on arium cle ment jack boy field wright back ball""".split()


_grafts = [w for w in ANIMALS + PEOPLE + THINGS + PLACES + TOPICS + ADJECTIVES + PARTS if w not in _without]


# The tokens of two letters and more, once there is a tokenizer: each must be seen in words to copy, or it never comes out of one.
PIECES = []


def cut(word, rng):
    """Any two to five letters of a word."""
    at = rng.randrange(len(word) - 1)
    return word[at:at + rng.randint(2, 5)]


def invented(rng, syllables=(2, 3)):
    """A word that is in no list: two words grafted, parts of words as English joins them, or syllables."""
    while True:
        roll = rng.random()
        if roll < 0.3:
            word = "".join(rng.choice(PIECES) if PIECES else cut(rng.choice(_grafts), rng) for _ in range(rng.randint(1, 3)))
        elif roll < 0.6:
            beginning = rng.choice(_grafts)[:rng.randint(1, 5)] if rng.random() < 0.6 else \
                rng.choice("aeiou") + rng.choice("bcdfglmnprstvwxz") if rng.random() < 0.5 else rng.choice("bcdfghjklmnprstvwyz") + rng.choice("aeiou")
            word = beginning + rng.choice(_grafts)[-rng.randint(2, 6):]
        elif roll < 0.8:
            word = rng.choice(PARTS) + rng.choice(ENDINGS)
        else:
            word = "".join(rng.choice(ONSETS) + rng.choice(VOWELS) + rng.choice(CODAS)
                           for _ in range(rng.randint(*syllables)))
        if 4 <= len(word) <= 11 and word not in _without:
            return word


def any_word(rng):
    """A word for copying tasks."""
    roll = rng.random()
    if roll < 0.45:
        return invented(rng)
    if roll < 0.49:
        return rng.choice(GIVEN_NAMES)
    if roll < 0.57:
        return rng.choice(ADJECTIVES + THING_ADJECTIVES)
    word = rng.choice(POOLS[rng.choice(("animate", "thing", "thing", "place", "topic"))])
    return word if " " not in word else any_word(rng)
