"""What search by words takes for the same: a labelled table, the rules one by one, bad input."""

import csv
import hashlib
import random
import re
from concurrent.futures import ThreadPoolExecutor
from html import escape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.opportunities import synonyms
from app.opportunities.lexicon import edits, sound
from app.opportunities.tokens import LONGEST, places
from app.opportunities.words import (
    MOST_TERMS,
    VERSION,
    Asked,
    Lexicon,
    Term,
    asked,
    highlighted,
    plain,
    tokens,
)

TABLE = Path(__file__).parent / "corpus_search.csv"
LEXICON = Lexicon.of(["Skylight Theatre", "Dudley Library", "Walsall Gallery"])
ANALYSES = {1: "2bf9662581927d52"}
"""What each version of the analysis makes of the table, as a digest."""


def stands_in(run: tuple[str, ...], words: list[str], prefix: bool) -> bool:
    """Whether tokens stand together in a text: what an engine does, in plain Python."""
    for i in range(len(words) - len(run) + 1):
        *firsts, last = words[i : i + len(run)]
        goes_on = last.startswith(run[-1]) if prefix else last == run[-1]
        if goes_on and tuple(firsts) == run[:-1]:
            return True
    return False


def meets(question: Asked, text: str) -> bool:
    """Whether a text meets every term of a question."""
    words = tokens(text)
    return bool(question.terms) and all(
        any(stands_in(run, words, term.prefix) for run in term.alternatives)
        for term in question.terms
    )


def of(q: str, *, prefix: bool = False) -> Asked:
    return asked(q, LEXICON, prefix=prefix)


def rows() -> list[dict[str, str]]:
    with TABLE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# --- the table --------------------------------------------------------------------------------


def test_the_table_is_large_enough_and_has_both_answers() -> None:
    answers = [row["meets"] for row in rows()]
    assert len(answers) >= 200
    assert set(answers) == {"yes", "no"}
    assert answers.count("no") >= 50


def test_every_question_of_the_table_meets_what_it_should_and_nothing_else() -> None:
    wrong = [
        row for row in rows() if meets(of(row["asked"]), row["text"]) != (row["meets"] == "yes")
    ]
    assert not wrong


def test_what_meets_a_question_can_be_highlighted() -> None:
    for row in rows():
        shown = highlighted(row["text"], of(row["asked"]))
        if row["meets"] == "yes":
            assert shown is not None
            assert "<mark>" in shown, row


def test_another_analysis_has_another_version() -> None:
    """Stored tokens are made again when VERSION changes, so it must change when tokens do."""
    said = [" ".join(tokens(text)) for row in rows() for text in (row["asked"], row["text"])]
    digest = hashlib.sha256("\n".join(said).encode()).hexdigest()[:16]
    assert ANALYSES[VERSION] == digest, "count up VERSION, and write its digest down beside it"


# --- tokens -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Café CAFE cafe\u0301", "cafe cafe cafe"),
        ("Straße Łódź Øresund Æsop", "strass lodz oresund aesop"),
        ("children's childrens children’s child", "child child child child"),
        ("five o’clock, o'clock", "5 oclock oclock"),
        ("Rock'n'Roll, rock 'n' roll, rock & roll", "rock roll rock roll rock roll rocknrol"),
        ("Hip-hop after-school", "hip hop after school hiphop afterschool"),
        ("ages 5-11, 10-12am", "age 5 11 10 12am"),
        ("R&B and Q&A", "rnb qna"),
        ("3D KS2 2027 under 5s £4.50", "3d ks2 2027 under 5 4 50"),
        ("LEGO™ Play®", "lego play"),
        ("２０２７ ٢٠٢٧ ½", "2027 2027 1 2"),
        ("co\u00adop zero\u200dwidth", "coop zerowidth"),
        ("snake_case a*b:c^d(e)", "snake case b c d e"),
        ("🎭 drama 🎉❤️ 1️⃣", "drama 1"),
        ("хор", "x0445x043ex0440"),
        ("合唱", "x5408 x5531"),
        ("the and of to", ""),
        ("", ""),
        ("\x00 \ud800 \uffff \U0010ffff", ""),
    ],
)
def test_tokens_of_a_text(text: str, expected: str) -> None:
    assert " ".join(tokens(text)) == expected


@pytest.mark.parametrize(
    "words",
    [
        "dance dances danced dancing dancer dancers dancer's",
        "sing sings singing singer singers sang",
        "theatre theater theatres theaters theatrical",
        "colour color colours coloring colourful colorful",
        "centre center centres centers",
        "jewellery jewelry jewelery",
        "programme program programs programmes",
        "organise organize organised organizing organisation organizations organiser",
        "mum mom mums moms mum's",
        "story stories storey storeys",
        "grey gray",
        "practise practice practicing",
        "photo photos photograph photography photographers photographic",
        "puppet puppets puppetry",
        "child children childrens",
        "five 5 fives 5s 5's",
        "watercolour watercolor",
        "neighbourhood neighborhood",
        "visualise visualize",
        "history historic historical",
    ],
)
def test_forms_of_one_word_have_one_token(words: str) -> None:
    assert len({tuple(tokens(word)) for word in words.split()}) == 1


@pytest.mark.parametrize(
    "words",
    [
        "universe university",
        "organ organise organic",
        "general generous",
        "new news newt",
        "single singer",
        "craft crafty",
        "animal animation anime",
        "author authority",
        "experience experiment",
        "festival festive",
        "product production",
        "emerging emergency",
        "past paste pasta",
        "programme programming",
        "book booking",
        "act acting activity",
        "relaxed relaxation",
        "college collage",
        "carer career car",
        "plan planet plant",
        "improv improve",
        "native nativity",
        "process procession",
        "record recorder",
        "prize price",
        "size seize",
        "holi holy",
        "potter pottery",
        "music musical",
        "labour laboratory",
    ],
)
def test_other_words_have_other_tokens(words: str) -> None:
    found = [tuple(tokens(word)) for word in words.split()]
    assert len(set(found)) == len(found)


def test_a_verb_is_told_from_its_likeness_by_its_neighbours() -> None:
    for text in ("Book now", "to book a place", "please book", "pre-book", "Book online"):
        assert "book" not in tokens(text), text
        assert "onlin" not in tokens(text), text
    for text in (
        "Book club",
        "Welcome to book week",
        "My first book",
        "a book by Julia",
        "The Book Trust",
        "books online",
    ):
        assert "book" in tokens(text), text
    for text in ("SEND group", "for pupils with SEND", "Send club"):
        assert "send" in tokens(text), text
    for text in ("send it", "Send us a postcard", "sending"):
        assert "send" not in tokens(text), text


def test_a_token_has_at_most_forty_characters() -> None:
    assert [len(token) for token in tokens("a" * 5_000 + " " + "щ" * 50 + " " + "9" * 60)] == [
        LONGEST
    ] * 3


@given(st.text())
@example("İ ﬁ ㎏ ' - '-' a''b a--b a-'b 'n' ''n''")
@example("\u0345\u1fb3 \ua66f \u0f71")
def test_tokens_are_plain_and_stable_and_stand_where_they_are_said_to(text: str) -> None:
    found = tokens(text)
    assert all(re.fullmatch(r"[a-z0-9]{1,40}", token) for token in found)
    assert tokens(text) == found
    single, joined = places(text)
    assert [token for token, _, _ in single + joined] == found
    starts = [0]
    for _, start, end in single:
        assert starts[-1] <= start < end <= len(text)
        starts.append(start)


@given(
    st.lists(
        st.sampled_from(("dance", "café", "drama", "5s", "hip-hop", "the", "music's", "SEND")),
        max_size=9,
    )
)
def test_case_accents_and_punctuation_make_no_difference(words: list[str]) -> None:
    text = " ".join(words)
    assert tokens(text) == tokens(f"!{text.replace('é', 'e')}…".replace(" ", " … "))


def test_many_threads_make_the_same_tokens() -> None:
    randomly = random.Random(4)
    texts = [
        " ".join("".join(randomly.choices("abcdefgings", k=7)) for _ in range(50))
        for _ in range(200)
    ]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(tokens, texts))
    assert together == [tokens(text) for text in texts]


# --- plain ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One</p><p>two<br>three</p>", "One two three"),
        ("<ul><li>a</li><li>b</li></ul><h3>c</h3>", "a b c"),
        ("<p>Ha<strong>lf</strong>-<em>term</em></p>", "Half-term"),
        (
            '<p>See <a href="https://x.example/?a>b" rel="noopener nofollow">here</a>.</p>',
            "See here.",
        ),
        ("<p>Arts &amp; Crafts &lt;b&gt; &nbsp; £5</p>", "Arts & Crafts <b> £5"),
        ("plain  text\n\nas it is", "plain text as it is"),
        ("1 < 2", "1 < 2"),
        ("", ""),
    ],
)
def test_markup_goes_and_blocks_part_words(html: str, text: str) -> None:
    assert plain(html) == text


@given(st.text(alphabet='<>/"= pliba&;\n'))
def test_any_markup_can_be_read(html: str) -> None:
    plain(html)


# --- asking -----------------------------------------------------------------------------------


def test_every_word_is_a_term_and_stop_words_are_none() -> None:
    question = of("the museums of Dudley")
    assert [term.alternatives[0] for term in question.terms] == [("museum",), ("dudley",)]
    assert question.corrected == ()


@pytest.mark.parametrize("q", ["", "   ", "the and of", '""', '"the of"', "🎭 !!! *", "\x00", '"'])
def test_a_question_without_words_has_no_term(q: str) -> None:
    assert of(q).terms == ()
    assert of(f"{q} ", prefix=True).terms == ()


def test_a_phrase_means_what_it_says() -> None:
    assert of('"street dance"').terms == (Term((("street", "danc"),)),)
    assert of("“Arts and Crafts” kids").terms[0] == Term((("art", "craft"),))
    assert of('"danse"') == Asked((Term((("dans",),)),))


def test_an_unbalanced_quote_means_nothing() -> None:
    assert of('"street dance') == of("street dance")
    assert of('"jazz" band"') == of("jazz band")


def test_what_is_the_same_is_asked_once_and_only_twelve_terms_are() -> None:
    assert len(of("jazz Jazz JAZZ").terms) == 1
    many = " ".join(f"w{number}" for number in range(40))
    assert len(of(many).terms) == MOST_TERMS
    assert len(of(" ".join(f'"{word}"' for word in many.split())).terms) == MOST_TERMS


def test_a_general_word_finds_its_kinds_and_not_the_other_way_round() -> None:
    assert ("ballet",) in of("dance").terms[0].alternatives
    assert of("ballet").terms[0].alternatives == (("ballet",),)
    assert ("hip", "hop") in of("dance").terms[0].alternatives
    assert ("danc",) not in of("hip hop").terms[0].alternatives


def test_an_alternative_that_another_is_part_of_is_left_out() -> None:
    for term in of("art craft dance holiday SEND film").terms:
        for run in term.alternatives:
            for other in term.alternatives:
                assert run == other or not stands_in(other, list(run), prefix=False)


def test_the_word_asked_for_comes_first() -> None:
    for q in ("drama", "kids", "half term", "danse", "hip-hop"):
        assert of(q).terms[0].alternatives[0] == tuple(tokens(q))[: 1 + (" " in q or "-" in q)]


def test_halves_of_a_known_name_find_it_too() -> None:
    question = of("sky light")
    assert [term.alternatives for term in question.terms] == [
        (("sky",), ("skylight",)),
        (("light",), ("skylight",)),
    ]


@pytest.mark.parametrize(
    ("q", "taken_for"),
    [
        ("danse", ["dance"]),
        ("sirkus", ["circus"]),
        ("birmigham", ["birmingham"]),
        ("musuem", ["museum"]),
        ("pianno", ["piano"]),
        ("guitair", ["guitar"]),
        ("guitairs", ["guitars"]),
        ("dansing", ["dancing"]),
        ("klub", ["club"]),
        ("theeter", ["theatre"]),
        ("fotografy", ["photography"]),
        ("orkestra", ["orchestra"]),
        ("rythm", ["rhythm"]),
        ("pottry", ["poetry", "pottery"]),
        ("skulpture", ["sculpture"]),
        ("wolverhamton", ["wolverhampton"]),
        ("skilight", ["skylight"]),
        ("usic", []),  # four letters, and the slip would be in the first
        ("nusic", ["music"]),
        ("teh", []),
        ("ks3", []),
        ("theatr", []),  # it has the token of a known word
        ("xylophonist", []),
    ],
)
def test_one_typing_error_is_forgiven(q: str, taken_for: list[str]) -> None:
    question = of(q)
    assert question.corrected == tuple((q, known) for known in taken_for)
    alternatives = question.terms[0].alternatives
    assert alternatives[0] == tuple(tokens(q))
    for known in taken_for:
        assert tuple(tokens(known)) in alternatives


def test_a_known_word_is_never_corrected_and_names_are_known() -> None:
    assert of("Wednesfield").corrected == ()
    assert of("merowdown").corrected == ()
    named = Lexicon.of(["Merrowdown Arts Trust", "Danse Académie"])
    assert asked("merowdown", named).corrected == (("merowdown", "merrowdown"),)
    assert asked("danse academie", named).corrected == ()


def test_likes_of_a_correction_are_met_only_without_doubt() -> None:
    assert ("ballet",) in of("danse").terms[0].alternatives
    assert ("ceram",) not in of("pottry").terms[0].alternatives


def test_at_most_five_corrections_the_nearest_first() -> None:
    near = Lexicon(["cold", "cord", "card", "cart", "care", "core", "cork", "corn", "cored"])
    found = near.corrections("corx")
    assert found == ["cord", "core", "cork", "corn"]
    assert len(Lexicon([f"cor{letter}" for letter in "abcdefgh"]).corrections("corx")) == 5


@given(st.text("abcde", min_size=1, max_size=6), st.text("abcde", min_size=1, max_size=6))
def test_edits_are_counted_the_same_both_ways(one: str, other: str) -> None:
    assert edits(one, other) == edits(other, one)
    assert (edits(one, other) == 0) == (one == other)
    assert edits(one, other) >= abs(len(one) - len(other))


@given(st.sampled_from(sorted(LEXICON.known())), st.data())
@settings(max_examples=200)
def test_a_slip_in_a_known_word_is_found(word: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(1, len(word)))
    letter = data.draw(st.sampled_from("aeiourstnl"))
    kind = data.draw(st.sampled_from(("insert", "delete", "change", "swap")))
    before, after = word[:place], word[place:]
    slip = {
        "insert": before + letter + after,
        "delete": before + after[1:],
        "change": before + letter + after[1:],
        "swap": before + after[1:2] + after[:1] + after[2:],
    }[kind]
    only = Lexicon([word])
    if len(word) >= 4 and len(slip) >= 4 and not only.knows(slip):
        assert len(only.corrections(slip)) == 1


def test_the_folding_of_sounds() -> None:
    for one, other in [
        ("sirkus", "circus"),
        ("foto", "photo"),
        ("kwik", "quick"),
        ("danse", "dance"),
        ("rime", "rhyme"),
        ("skool", "school"),
        ("nite", "night"),
        ("nitting", "knitting"),
        ("muzik", "musik"),
        ("sculpter", "sculptor"),
    ]:
        same = sound(one) == sound(other)
        assert same or (one, other) in {("nite", "night"), ("kwik", "quick")}, (one, other)
    assert sound("drama") != sound("dream")


# --- as you type ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("q", "text"),
    [
        ("d", "Drama club"),
        ("danci", "Young Dancers"),
        ("dancin", "Dance for all"),
        ("the", "Theatre for families"),
        ("theate", "Theatre for families"),
        ("childr", "Kites for children"),
        ("juggli", "Juggling day"),
        ("organiz", "Organise a gig"),
        ("hip-h", "Hip-hop crew"),
        ("hiph", "Hip-hop crew"),
        ("drama cl", "Drama club"),
        ("drama in du", "Drama in Dudley"),
        ("SEN", "SEND club"),
        ("send", "SEND club"),
        ("danse", "Dance for all"),
        ("хо", "Детский хор"),
    ],
)
def test_the_last_word_may_go_on(q: str, text: str) -> None:
    question = of(q, prefix=True)
    assert question.terms[-1].prefix
    assert meets(question, text)
    assert not any(term.prefix for term in question.terms[:-1])


def test_a_word_that_is_typed_to_its_end_is_an_ordinary_word() -> None:
    assert of("dance ", prefix=True) == of("dance")
    assert of('"street dance"', prefix=True) == of('"street dance"')
    assert not of("dance in", prefix=True).terms[-1].prefix
    assert not meets(of("dan", prefix=True), "Ballet")


# --- tables -----------------------------------------------------------------------------------


def test_the_tables_say_nothing_twice_and_nothing_empty() -> None:
    for group in synonyms.ALIKE:
        members = [synonyms.run(member) for member in group.split(",")]
        assert all(members), group
        assert len(set(members)) == len(members) >= 2, group
    for general, kinds in synonyms.KINDS.items():
        members = [synonyms.run(kind) for kind in kinds.split(",")]
        assert all(members), general
        assert len(set(members)) == len(members), general
        assert synonyms.run(general) not in members


def test_no_member_of_a_group_is_part_of_another() -> None:
    """It would be all that is asked for: "visual art" would find every art."""
    wider = []
    for group in synonyms.ALIKE:
        members = [synonyms.run(member) for member in group.split(",")]
        wider += [
            (one, other)
            for one in members
            for other in members
            if one != other and stands_in(other, list(one), prefix=False)
        ]
    assert set(wider) <= {
        (("jewelleri", "make"), ("jewelleri",)),
        (("work", "placement"), ("placement",)),
        (("british", "sign", "languag"), ("sign", "languag")),
    }


def test_a_term_has_a_bounded_number_of_alternatives() -> None:
    entries = [entry for group in synonyms.ALIKE for entry in group.split(",")]
    for entry in [*entries, *synonyms.KINDS]:
        for term in of(entry).terms:
            assert len(term.alternatives) <= 50


# --- bad input --------------------------------------------------------------------------------

HOSTILE = [
    '"',
    '""""',
    "a" * 5_000,
    "é" * 5_000,
    '"' * 5_000,
    "x " * 2_500,
    "'-" * 2_500,
    "<p" * 2_500,
    'drama* OR title:dance NEAR(a b, 2) ^c {d} + - "e"* NOT f',
    "'; DROP TABLE opportunity; --",
    "% _ \\ & | ! <-> :* ()",
    "\x00drama\x00",
    "\ud800\udfff",
    "👩‍👩‍👧‍👦🏳️‍🌈",
    "\u202edrama\u202c",
    "\u0300" * 200,
]


@pytest.mark.parametrize("q", HOSTILE)
@pytest.mark.parametrize("prefix", [False, True])
def test_nothing_that_is_typed_is_syntax_or_raises(q: str, prefix: bool) -> None:
    question = of(q, prefix=prefix)
    assert len(question.terms) <= MOST_TERMS
    for term in question.terms:
        assert term.alternatives
        for run in term.alternatives:
            assert run
            assert all(re.fullmatch(r"[a-z0-9]{1,40}", token) for token in run)
    highlighted(q, question)
    plain(q)


@given(st.text(max_size=300), st.booleans())
@example('"a "b" c"', True)
@example("İ'-s3nd b00k SEND's", True)
def test_any_question_becomes_tokens(q: str, prefix: bool) -> None:
    test_nothing_that_is_typed_is_syntax_or_raises(q, prefix)


# --- highlighting -----------------------------------------------------------------------------


class _Reader(HTMLParser):
    """The tags and the text of an excerpt."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not attrs
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag == "mark"

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(decl)

    def handle_pi(self, data: str) -> None:
        raise AssertionError(data)


def check_excerpt(text: str, shown: str, limit: int) -> None:
    """Holds marks and text only, and the text is a part of the original."""
    reader = _Reader()
    reader.feed(shown)
    reader.close()
    assert set(reader.tags) == {"mark"}
    assert "<mark></mark>" not in shown
    said = reader.text
    whole = {said, said.removeprefix("…"), said.removesuffix("…")}
    whole.add(said.removeprefix("…").removesuffix("…"))
    assert any(part in text for part in whole)
    assert len(said) <= limit + 2
    assert shown.count("<") == 2 * shown.count("<mark>")
    assert not re.sub(r"</?mark>|&(?:amp|lt|gt|quot|#x27);|[^<>&\"']", "", shown)


MARKUP = st.sampled_from(
    [
        "<script>alert(1)</script>",
        "<mark>",
        "</mark>",
        "&lt;",
        '"><img onerror=x>',
        "dance",
        "café",
        "hip-hop",
        "children's",
        "🎭",
        "ﬁlm",
        "cafe\u0301",
        "book now",
        "SEND",
        " ",
        "… ",
        "\n",
        "the",
    ]
)


@given(
    st.lists(st.one_of(MARKUP, st.text(max_size=12)), max_size=60).map(" ".join),
    st.integers(1, 120),
)
@settings(max_examples=400)
def test_an_excerpt_never_lets_markup_through(text: str, limit: int) -> None:
    text = text.replace("\r", " ")
    for q in ("dance kids film", "hip hop cafe", '"arts" mark script SEND', "a1 img b"):
        if (shown := highlighted(text, of(q), limit)) is not None:
            check_excerpt(text, shown, limit)


@given(st.text(max_size=200), st.integers(1, 80))
def test_a_text_is_highlighted_when_it_has_the_word(text: str, limit: int) -> None:
    text = text.replace("\r", " ")
    for token in tokens(text)[:3]:
        question = Asked((Term(((token,),)),))
        shown = highlighted(text, question, limit)
        assert shown is not None
        check_excerpt(text, shown, limit)


def test_what_matched_is_marked_in_its_own_spelling() -> None:
    assert highlighted("Café & Dancers’ Theatre", of("cafe dance")) == (
        "<mark>Café</mark> &amp; <mark>Dancers</mark>’ Theatre"
    )
    assert highlighted("Hip-hop for children's clubs", of("hiphop kids")) == (
        "<mark>Hip-hop</mark> for <mark>children&#x27;s</mark> clubs"
    )
    assert highlighted("Drama and film", of("ballet")) is None
    assert highlighted("", of("ballet")) is None
    assert highlighted("Drama", of("")) is None


def test_a_phrase_is_marked_as_one() -> None:
    assert highlighted("Arts and Crafts", of('"arts crafts"')) == "<mark>Arts and Crafts</mark>"
    assert highlighted("Up-cycling", of("upcycling")) == "<mark>Up-cycling</mark>"


def test_as_you_type_the_whole_word_is_marked() -> None:
    assert highlighted("Drama club", of("dra", prefix=True)) == "<mark>Drama</mark> club"


def test_an_excerpt_is_cut_between_words_where_most_is_met() -> None:
    words = ["lorem"] * 100
    words[10] = "dance"
    words[60] = "dance"
    words[62] = "museum"
    shown = highlighted(" ".join(words), of("dance museum"), 80)
    assert shown is not None
    assert shown.startswith("…lorem")
    assert shown.endswith("lorem…")
    assert "<mark>dance</mark> lorem <mark>museum</mark>" in shown
    assert set(re.sub(r"</?mark>|…", "", shown).split()) == {"lorem", "dance", "museum"}


def test_a_short_text_is_shown_whole() -> None:
    text = 'A "small" text with <b>dance</b> in it'
    assert highlighted(text, of("dance")) == escape(text).replace("dance", "<mark>dance</mark>")
