"""What else may be meant: words of one meaning, and the kinds that a general word takes in.

Used on questions only, so that the index stays plain. Who asks for a general word finds its kinds
("dance" finds ballet); who asks for a kind does not find the general ("ballet" does not find every
dance class). A word is left out of a group where it mostly means something else in a listing.
"""

from collections.abc import Mapping
from functools import cache

from app.opportunities.tokens import tokens

Run = tuple[str, ...]
"""Tokens that stand together."""

ALIKE = (
    # Artforms
    "drama, theatre, acting",
    "panto, pantomime",
    "improv, improvise",
    "puppet, marionette",
    "hip hop, hiphop",
    "street dance, streetdance",
    "breakdance, break dance, bboy",
    "tap dance, tapdance",
    "sing, choir, choral, vocal",
    "sing along, singalong",
    "dj, disc jockey, turntablism",
    "beatbox, beat box",
    "songwriting, song writing",
    "ukulele, uke",
    "steel pan, steelpan, steel drum, steel band",
    "rock roll, rocknroll",
    "drum bass, dnb",
    "rnb, rhythm blues",
    "visual art, fine art",
    "craft, handicraft, handmade",
    "pottery, ceramic, clay",
    "print making, printmaking, screen printing, lino print, block print",
    "draw, sketching",
    "graffiti, street art, spray paint",
    "comic, graphic novel, manga, cartoon",
    "sew, needlework, dressmaking",
    "felt making, feltmaking, needle felt",
    "jewellery making, jewellery, beading",
    "film, cinema, movie",
    "film making, filmmaking, moviemaking",
    "animation, stop motion, stopmotion",
    "coding, programming, coder",
    "video game, videogame, computer game, esports",
    "vr, virtual reality",
    "reading, book",
    "poem, poetry, poet",
    "spoken word, performance poetry, slam",
    "story time, storytime, story telling, storytelling",
    "rhyme time, rhymetime, nursery rhyme",
    "heritage, history",
    "circus, big top",
    # Ages and people
    "child, kid, youngster",
    "teen, teenager, young people, young person, youth, adolescent",
    "toddler, under 5, u5, u5s, early years, preschool, pre school, tot",
    "early years, eyfs",
    "baby, newborn",
    "mum, mother",
    "dad, daddy, father",
    "grandparent, grandma, grandad, granny, nana",
    "teacher, educator",
    "looked after, care experienced, foster child, foster family, foster carer, lac",
    "care leaver, leaving care, care experienced",
    "home education, home ed, homeschool, home school, ehe",
    "refugee, asylum seeker",
    "lgbt, lgbtq, lgbtqia, lgbtqi, queer",
    # Access
    (
        "SEND, special needs, sen, special educational needs, additional needs, "
        "disabled child, disabled young people"
    ),
    "autism, autistic, asd, asc",
    (
        "autism friendly, relaxed performance, relaxed session, relaxed screening, relaxed event, "
        "relaxed visit, relaxed workshop, relaxed opening, sensory friendly"
    ),
    "neurodivergent, neurodiverse",
    "bsl, british sign language, sign language",
    "deaf, hearing impairment",
    "blind, visual impairment, partially sighted",
    "audio described, audio description",
    "adhd, attention deficit",
    "mental health, wellbeing, well being",
    # What, when and how
    "class, lesson, course, workshop, tuition",
    "audition, casting",
    "drop in, dropin, turn up",
    "after school, afterschool",
    "half term, halfterm",
    "holiday club, holiday camp, holiday scheme, playscheme, play scheme, holiday workshop",
    "haf, holiday activities food, bring it brum",
    "free school meal, fsm",
    "pay what you can, pwyc",
    "online, livestream, webinar",
    "outdoor, open air",
    "cpd, professional development, teacher training, inset, training for teachers",
    "work experience, work placement, placement, internship",
    "apprentice, apprenticeship",
    "school visit, school trip, class visit",
    "loan box, handling box, museum box",
    "xmas, christmas",
    "diwali, deepavali, divali",
    "hanukkah, chanukah",
    "brum, birmingham",
    "bham, birmingham",
    *(f"ks{stage}, key stage {stage}" for stage in range(1, 6)),
    *(f"year {year}, y{year}, yr {year}, yr{year}" for year in range(1, 14)),
)
"""Groups that mean the same: whichever is asked for, the others are found."""

KINDS: Mapping[str, str] = {
    # Artforms
    "dance": (
        "ballet, breakdance, hip hop, bhangra, salsa, kathak, bollywood, bharatanatyam, flamenco, "
        "ceilidh, choreography, choreographer, ballroom, zumba, capoeira"
    ),
    "drama": (
        "panto, puppet, musical, improv, mime, playwriting, playwright, shakespeare, commedia, "
        "stagecraft"
    ),
    "music": (
        "sing, musical, musician, orchestra, guitar, piano, drum, violin, cello, ukulele, brass "
        "band, steel pan, samba, djembe, songwriting, dj, rap, beatbox, concert, gig, flute, "
        "clarinet, trumpet, trombone, saxophone, viola, harp, gamelan, tabla, dhol, percussion, "
        "jazz, opera, rock band, composer"
    ),
    "musical instrument": "guitar, piano, drum, violin, cello, ukulele, flute, clarinet, trumpet",
    "art": "paint, draw, sculpture, print making, collage, pottery, graffiti, watercolour, mural",
    "craft": (
        "knit, sew, pottery, weaving, crochet, embroidery, feltmaking, origami, jewellery making, "
        "woodwork, macrame, patchwork, quilting, papercraft, basketry, card making"
    ),
    "textile": (
        "knit, sew, weaving, crochet, embroidery, feltmaking, patchwork, quilting, batik, loom"
    ),
    "fashion": "textile, dressmaking, costume design, upcycling",
    "film": "film making, animation, screening, screenwriting, documentary",
    "digital": (
        "coding, videogame, animation, robotics, 3d print, vr, game design, minecraft, podcast"
    ),
    "write": (
        "poem, spoken word, playwriting, songwriting, screenwriting, journalism, zine, blogging"
    ),
    "literature": "poem, reading, creative writing, storytelling, author",
    "poetry": "spoken word, haiku",
    "story": "storytime, storyteller",
    "circus": "juggle, acrobat, clown, trapeze, unicycle, aerial, stilt, hula hoop, diabolo",
    "heritage": "archaeology, castle, victorian, tudor, roman",
    "nature": "wildlife, forest school, woodland, pond dipping, bushcraft",
    "outdoor": "forest school, bushcraft, nature walk",
    "outside": "outdoor",
    "game": "videogame",
    # Ages and people
    "early years": "baby, nursery, reception class",
    "child": "under 5, toddler",
    "parent": "mum, dad, carer, guardian",
    "family": "parent child, all ages",
    # Access
    "SEND": (
        "autism friendly, autism, relaxed performance, neurodivergent, bsl, makaton, deaf, blind, "
        "learning difficulties, learning disability, adhd, special school"
    ),
    "disabled": "SEND, wheelchair, deaf, blind",
    "autism": "neurodivergent, autism friendly",
    "deaf": "bsl, captioned, hearing loop",
    "blind": "audio described, touch tour, braille",
    "wheelchair": "step free, changing place",
    # What, when and how
    "holiday": "half term, playscheme, haf, summer school, summer club",
    "school holiday": (
        "half term, playscheme, haf, easter holiday, summer holiday, christmas holiday, holiday "
        "club, summer school"
    ),
    "free school meal": "haf",
    "summer holiday": "summer school, summer club, summer camp",
    "work experience": "apprentice",
    "performance": "concert, gig, recital",
    "show": "performance",
    "group": "club, society",
    "arts award": "bronze award, silver award, gold award",
}
"""Kinds of the general: who asks for the general finds these and what is like them."""


def run(text: str) -> Run:
    """The tokens of an entry of the tables."""
    return tuple(tokens(text))


def _listed(text: str) -> list[Run]:
    return [run(entry) for entry in text.split(",")]


@cache
def _meant() -> dict[Run, tuple[Run, ...]]:
    """What else each entry means: what is alike, the kinds of all that, and their likes."""
    alike: dict[Run, dict[Run, None]] = {}
    for group in ALIKE:
        members = _listed(group)
        for member in members:
            alike.setdefault(member, {}).update(dict.fromkeys(members))
    kinds = {run(general): _listed(entries) for general, entries in KINDS.items()}
    found: dict[Run, tuple[Run, ...]] = {}
    for entry in [*alike, *kinds]:
        meant = dict.fromkeys([entry, *alike.get(entry, ())])
        for kind in [kind for one in [*meant] for kind in kinds.get(one, ())]:
            meant.update(dict.fromkeys([kind, *alike.get(kind, ())]))
        found[entry] = tuple(other for other in meant if other != entry)
    return found


@cache
def longest() -> int:
    """How many tokens the longest entry has."""
    return max(map(len, _meant()))


def is_entry(asked: Run) -> bool:
    """Whether tokens that stand together have an entry of their own."""
    return asked in _meant()


def meant_by(asked: Run) -> tuple[Run, ...]:
    """What else is met by some tokens that have an entry."""
    return _meant().get(asked, ())


def spellings() -> str:
    """Every word of the tables, as text."""
    return "\n".join([*ALIKE, *KINDS, *KINDS.values()])
