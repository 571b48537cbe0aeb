"""Spelling: British for American, and the words whose stem a rule gets wrong. Tables and two rules.

Whatever is changed here changes what is indexed: count up `VERSION` in `tokens.py`.
"""

import re
from collections.abc import Mapping


def _words(text: str) -> list[str]:
    return text.split()


def _pair(text: str) -> tuple[str, str]:
    american, british = text.split()
    return american, british


def _pairs(text: str) -> dict[str, str]:
    return dict(map(_pair, text.split(",")))


STOP_WORDS = frozenset(
    _words("""
    a an and are as at be been but by can cant did didnt do does doesnt dont for from had has have
    he her here him his i if im in into is isnt it its ive me my n near no nor not of on or our
    ours s shall she should so some t than that the their theirs them then there these they theyll
    theyre theyve this those to too us very was wasnt we were weve will with wont would wouldnt you
    youll your youre yours youve
    """)
)
"""Words that say nothing by themselves. They are neither indexed nor asked for."""

NUMBERS: Mapping[str, str] = {
    word: str(number)
    for number, words in enumerate(
        (
            "zero",
            "one ones",
            "two twos",
            "three threes",
            "four fours",
            "five fives",
            "six sixes",
            "seven sevens",
            "eight eights",
            "nine nines",
            "ten tens",
            "eleven elevens",
            "twelve twelves",
        )
    )
    for word in words.split()
}
"""Numbers that people write as words: "under fives" is "under 5s"."""

FORMS: Mapping[str, str] = {
    word: token
    for token, words in {
        # Joined, where the stemmer would leave them apart.
        "bus": "bus buses",
        "cello": "cello cellos celli cellist cellists",
        "child": "child childs children childrens",
        "danc": "dance dances danced dancing dancings dancer dancers",
        "dj": "dj djs djing djd",
        "drama": "drama dramas dramatic",
        "drum": "drum drums drumming drummer drummers drumkit",
        "guitar": "guitar guitars guitarist guitarists",
        "histori": "history histories historic historical historically",
        "man": "man mans men mens",
        "organ": "organ organs organist organists",
        "paint": "paint paints painted painting paintings painter painters",
        "photo": (
            "photo photos photograph photographs photographed photographing photography "
            "photographer photographers photographic"
        ),
        "piano": "piano pianos pianist pianists",
        "puppet": "puppet puppets puppetry puppeteer puppeteers puppeteering",
        "read": "read reads reading readings reader readers",
        "rap": "rap raps rapped rapping rapper rappers",
        "sculptur": "sculpt sculpts sculpted sculpting sculpture sculptures sculptor sculptors",
        "sing": "sing sings singing sang sung singer singers",
        "theatr": "theatre theatres theatrical theatrics",
        "experience": "experience experiences experienced",
        "violin": "violin violins violinist violinists",
        "volunt": "volunteer volunteers volunteering volunteered voluntary",
        "weav": "weave weaves weaving weavings wove woven weaver weavers",
        "woman": "woman womans women womens",
        "write": "write writes writing writings written wrote writer writers",
        # Kept apart, where the stemmer would join them.
        "acting": "acting actor actors actress actresses",
        "animal": "animal animals",
        "anime": "anime",
        "authority": "authority authorities",
        "blues": "blues",
        "boxing": "boxing",
        "business": "business businesses",
        "emergency": "emergency emergencies",
        "experiment": "experiment experiments experimented experimenting experimental",
        "festival": "festival festivals",
        "holi": "holi",
        "holy": "holy",
        "improve": "improve improves improved improving improver improvers improvement",
        "informal": "informal informally",
        "musical": "musical musicals",
        "nativity": "nativity nativities",
        "oliver": "oliver olivers",
        "position": "position positions positioned",
        "premiere": "premiere premieres",
        "procession": "procession processions",
        "projection": "projection projections",
        "recorder": "recorder recorders",
        "residency": "residency residencies",
        "paste": "paste pastes pasting",
        "production": "production productions",
        "relaxed": "relaxed",
        # The programme of a festival is one word; to program a computer is another.
        "programming": "programming programmer programmers programmed",
        # "Book now" is in every listing, and is not about books; `tokens.py` tells them apart.
        "booking": "booking bookings booked bookable b00k prebook prebooked prebooking",
        # "Send us your poem" is not about SEND: the same.
        "sent": "send sends sending sent",
        "send": "s3nd",
    }.items()
    for word in words.split()
}
"""Words whose token is in the table and not made by the stemmer, by the word."""

AMERICAN: Mapping[str, str] = _pairs("""
    aging ageing, aluminum aluminium, amphitheater amphitheatre, analog analogue,
    archeological archaeological, archeologist archaeologist, archeology archaeology,
    artifact artefact, ax axe, caliber calibre, caroler caroller, caroling carolling,
    catalog catalogue, center centre, centered centred, centering centring,
    cozy cosy, counselor counsellor, defense defence, dialog dialogue, donut doughnut,
    encyclopedia encyclopaedia, enroll enrol, enrollment enrolment, epilog epilogue,
    esthetic aesthetic, faery fairy, fiber fibre, fulfill fulfil, fulfillment fulfilment,
    gray grey, installment instalment, jeweler jeweller, jewelery jewellery,
    jewelry jewellery, judgment judgement, kilometer kilometre, learnt learned,
    license licence, licensed licenced, liter litre, luster lustre, mam mum,
    maneuver manoeuvre, marvelous marvellous, math maths, mediaeval medieval, mold mould,
    molded moulded, molding moulding, mom mum, mommy mummy, monolog monologue,
    mustache moustache, ocher ochre, offense offence, pajama pyjama, paleontology
    palaeontology, pediatric paediatric, plow plough, practise practice, practised practiced,
    practising practicing, pretense pretence, program programme, prolog prologue,
    scepter sceptre, skeptical sceptical, skillful skilful,
    smolder smoulder, somber sombre, specter spectre, sulfur sulphur, theater theatre,
    theatergoer theatregoer, traveler traveller, wooly woolly, woolen woollen,
    yogurt yoghurt, yoghourt yoghurt, storey story
""")
"""American and older spellings, each with the British one; plurals follow by themselves."""

_COLOUR = re.compile(
    r"((?:bi|dis|mis|multi|out|tri|un|water)?"
    r"(?:arm|behavi|cand|clam|col|endeav|fl?av|glam|harb|hon|hum|lab|neighb|od|parl|ranc"
    r"|rum|sav|savi|spl?end|tum|val|vap|vig))or"
    r"(?=(?:s|ed|er|ers|ing|ings|ful|fully|less|able|ably|ites?|hoods?|y|ies)?\Z)"
)
_ORGANISE = re.compile(r"(?<=..)([iy])z(?=(?:e|es|ed|er|ers|ing|ings|able|ations?|ational)\Z)")
_SIZES = re.compile(r"(?:(?:as|cap|down|out|over|re|super|under|up)?siz|maiz|priz|seiz)")


def british(word: str) -> str:
    """The British spelling of a word in small letters, or the word."""
    if found := AMERICAN.get(word):
        return found
    if word[-3:] == "ies" and (found := AMERICAN.get(f"{word[:-3]}y")):
        return f"{found[:-1]}ies"
    if word[-1:] == "s" and (found := AMERICAN.get(word[:-1])):
        return f"{found[:-1]}ies" if found[-1] == "y" else f"{found}s"
    if "or" in word:
        word = _COLOUR.sub(r"\1our", word) if _COLOUR.match(word) else word
    if "z" in word and not _SIZES.match(word):
        word = _ORGANISE.sub(r"\1s", word)
    return word
