"""Prices as listings write them: amounts, what they pay for, who pays less, and what is free.

`free` is said only when everything goes free and no word is left that might say otherwise. An
amount of money that is not a price (a deposit, a fee for booking, an income limit) is no price.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.opportunities.models import PricePer
from app.sources.plain_writing.words import (
    CLEAR,
    DOUBTFUL,
    EMPTY,
    LIKELY,
    LONGEST,
    SURE,
    WAITING,
    Doubt,
    Reading,
    doubt,
    nothing,
    tidy,
    unread,
)

MOST = Decimal(100_000)
MOST_TEXT = 300
MOST_BARE = Decimal(500)
"""A whole number without a pound sign is at most this, in pounds, or it is no price."""
PENNY = Decimal("0.01")

_A = r"(?:\bper\ |\ba\ |\ban\ |\beach\ |/\ ?|\bfor\ (?:a|an|the|each)\ |\bp/?|\bfull\ |\bevery\ )"
PER: tuple[tuple[PricePer, str], ...] = (
    (
        PricePer.ADULT_AND_CHILD,
        (
            r"(?:per|for|an?|1|one)?\ ?adult\ ?(?:\+|&|and|/)\ ?(?:1\ |one\ |a\ )?child"
            r"|(?:per|a|for\ one)\ (?:child\ (?:and|&|\+)\ adult|parent\ (?:and|&)\ child|pair)"
        ),
    ),
    (PricePer.FAMILY, rf"{_A}?(?:famil(?:y|ies)|household)(?:\ ticket|\ pass)?|{_A}car"),
    (PricePer.CLASS, rf"{_A}(?:class|form|group\ of\ 30)\b"),
    (PricePer.SCHOOL, rf"{_A}school\b"),
    (PricePer.HALF_DAY, rf"{_A}?half[\ -]day"),
    (PricePer.HOUR, rf"{_A}(?:hour|hr)\b|\bhourly\b|(?:\b|(?<=\d))ph\b"),
    (PricePer.SESSION, rf"{_A}(?:session|lesson|workshop|visit|week'?s\ session|performance)\b"),
    (PricePer.TERM, rf"{_A}(?:half[\ -])?term\b|\btermly\b"),
    (PricePer.WEEK, rf"{_A}week\b|\bweekly\b|(?:\b|(?<=\d))pw\b"),
    (PricePer.DAY, rf"{_A}day\b|\bdaily\b"),
    (
        PricePer.COURSE,
        (
            rf"{_A}(?:whole\ |entire\ )?(?:course|block|programme)\b|\bfor\ (?:the\ )?(?:all\ )?"
            r"(?:\d{1,2}|four|five|six|eight|ten)[\ -](?:weeks?|sessions?)(?:\ course|\ block)?"
            r"|\b(?:\d{1,2}|four|five|six|eight|ten)\ (?:weeks?|sessions?|classes|lessons)\ for\b"
        ),
    ),
    (PricePer.MEMBERSHIP, r"\b(?:annual\ |yearly\ )?membership\b|\b(?:per|a)\ year\b|\bp\.?a\b"),
    (PricePer.CHILD, rf"{_A}?(?:children|child|kid|pupil|student|under[\ -]1[68]s?)\b"),
    (
        PricePer.PERSON,
        (
            rf"{_A}(?:person|participant|head|ticket|place|adult|individual|young\ person|seat)\b"
            r"|\bp\.?/?p\b\.?|(?<=\d)pp\b|\beach\b|\b(?:tickets?|adults?)\b"
        ),
    ),
)
"""What one price pays for, and the words for it; the first that is written counts."""

CONCESSIONS: tuple[tuple[str, str], ...] = (
    ("free_school_meals", r"free\ school\ meals?|\bfsm\b|school\ meals"),
    ("pupil_premium", r"pupil\ premium|\bpp\ (?:children|pupils)\b"),
    ("bursary", r"bursar(?:y|ies)|scholarships?"),
    (
        "carer_free",
        (
            r"carers?\ (?:go\ |come\ |is\ |are\ )?free|free\ (?:carer|companion"
            r"|essential)"
        ),
    ),
    ("sibling", r"siblings?|brothers?\ (?:and|or|/)\ sisters?|second\ child|2nd\ child"),
    ("low_income", r"low[\ -]incomes?|unwaged|universal\ credit|\bbenefits?\b|unemployed"),
    ("residents", r"\bresidents?\b|\blocals?\b"),
    ("members", r"(?<!non-)(?<!non\ )\bmembers\b(?!\ of\ the\ public)"),
    ("early_booking", r"early[\ -](?:bird|booking)|in\ advance|\badvance\b|if\ booked\ by"),
)
"""Codes of the concession vocabulary, and the words for them."""

_AMOUNT = re.compile(
    r"(?:£\ ?|\bgbp\ ?)(?P<p>\d{1,6}(?:,\d{3})*(?:\.\d{1,2})?)(?!\d|\.\d|,\d\d\b)(?P<k>k\b"
    r"|\ ?million|m\b)?"
    r"|(?<![\w.£,])(?P<w>\d{1,5}(?:\.\d{2})?)\ ?(?:pounds|gbp|quid)\b"
    r"|(?<![\w.£,])(?P<c>\d{1,3})\ ?(?:p|pence)\b(?!\.?m)"
)
# "£5-10" and "£10 to 15": the second number shares the pound sign.
_SHARED = re.compile(
    r"(£\ ?\d{1,5}(?:\.\d\d)?)(\ ?(?:-|to"
    r"|/)\ ?)(?=\d{1,5}(?:\.\d\d)?(?![\d\w:.]|\ ?(?:am|pm|week|hour|min|child|people)))"
)
_SPAN = re.compile(r"\d\ ?(?:-|to)\ ?£?\d")
_HYPHENED = re.compile(r"£\ ?\d{1,3}-\d\d(?!\d)")
# "£12,50", "£5:50" and "£5 50" are five pounds fifty to some; never five pounds.
_COMMA = re.compile(r"£\ ?\d{1,3}(?:,\d\d(?!\d)|[: ]\d\d(?=\s*(?:$|[,;)/]|per\b|each\b)))")
# Money beside these words is not what it costs to take part.
_NOT_BEFORE = re.compile(
    r"(?:save|saving|saves|worth|prizes?|win|raised?|grants?(?:\ of)?|fund(?:ing)?(?:\ of)?"
    r"|income"
    r"|earning|earns?|under|below|over|more\ than|less\ than|value|budget(?:\ of)?"
    r"|deposit(?:\ of)?"
    r"|refundable|fees?(?:\ of)?|charge\ of|parking|lunch|refreshments?|materials?|t-?shirts?|kit"
    r"|hire|programmes?|commission(?:\ of)?|bursar(?:y|ies)(?:\ of)?|paid|wage)"
    r"(?:\ (?:is|are|at|from|for|up\ to|to))?:?\ ?\(?\+?\ ?$"
)
_NOT_AFTER = re.compile(
    r"\ ?(?:off\b|discount|deposit|refundable|booking\ fee|admin(?:istration)?\ fee"
    r"|transaction\ fee|fee\b|prize|voucher|grant|bursary|for\ (?:parking|lunch"
    r"|refreshments|materials)"
    r"|parking|materials|saving|funding|commission|travel)"
)
_UP_TO = re.compile(r"(?:up\ to|max(?:imum)?(?:\ of)?|no\ more\ than)\ ?$")
_BUNDLE = re.compile(r"\b(?:[2-9]|1\d|two|three|four|five|six)\ for\ $")
# "£60 for 30 children" is no price of one of them.
_BUNDLE_AFTER = re.compile(
    r"\ for\ (?:up\ to\ )?(?:[2-9]|[1-9]\d{1,2}|two|three|four|five|six)"
    r"(?:\ (?:children|kids|pupils|students|people|adults|persons|places|tickets|participants)\b"
    r"|\s*(?:$|[,;.)]))"
)
_FROM = re.compile(r"(?:from|starting\ (?:at|from)|starts\ at)\ ?$")

_NOT_FREE = re.compile(
    r"\b(?:gluten|dairy|nut|smoke|feel|alcohol|sugar|carbon|device|hands|screen|meat"
    r"|drug)[\ -]free\b|\bfree\ ?[:=?-]\ ?(?:no|n|false)\b"
    r"|\bfeel\ free\b|\bfree[\ -]?lance\w*|\bfree\ (?:parking|tea|coffee|refreshments?"
    r"|lunch|food|cake"
    r"|squash|wi-?fi|gift|goody|school\ meals?|from|time|play|range|flow|style|form|guide|trial"
    r"|taster)\b|\bnot\ free\b|\bfreestyle\b|\bfreedom\b"
)
_FREE = re.compile(
    r"\bfree\b(?:\ of\ charge)?|\bno\ (?:charge|cost|fee)\b|\bnothing\ to\ pay\b"
    r"|\bfully[\ -]funded\b"
    r"|\bcomplimentary\b|\bfoc\b"
)
_SOME_FREE = re.compile(
    r"\bfree\ (?:to|for)\ (?!all\b|attend\b|everyone\b|everybody\b|enter\b|join\b|take\b"
    r"|use\b|visit\b|participants\b|participate\b|book\b|hire\b|download\b|watch\b)"
    r"|\b(?:under[\ -]\d{1,2}s?|children|carers?|babies|toddlers?|infants|siblings|members"
    r"|residents|schools|pupils|families"
    r"|students|kids|adults|accompanying\ adults?|fsm|companions?)(?:\ (?:go|are|get\ in|is"
    r"|come))?\ free\b"
    r"|\bfree\ ?[(:-]\ ?(?:schools|children|families)\b\W*$"
    r"|\bfree\ (?:with|after|on|when|places|places\ available|if|carer|companion|essential)\b"
    r"|\bif\ you\b|\bfree\ under\b|\bsome\ free\b|\bpart[\ -]?\ ?funded\b"
)
# "Free entry for children", "no charge to schools"; all families are everyone.
_FOR_SOME = re.compile(
    r"\b(?:for|to)\ (?:(?:all|any|the|our|local)\ )*"
    r"(?:schools?\b|children\b|(?<!all\ )(?<!all\ the\ )famil(?:y|ies)\b)"
)
_CONDITION = re.compile(r"\bfree\ (?:with|after|when|if)\b")
_BOOKING_FEE = re.compile(r"\b(?:booking|admin\w*|transaction)\ (?:fees?|charges?)\b")
_NO_BOOKING_FEE = re.compile(r"\bno\ booking\ fees?\b")
_FREE_WORDS = re.compile(
    r"\b(?:event|events|entry|entrance|admission|of|charge|to|attend|activity|activities"
    r"|sessions?"
    r"|workshops?|ticketed|tickets?|drop|in|booking|essential|required|recommended|all|everyone"
    r"|everybody|for|no|need|book|advised|needed|please|online|places?|advance|donations?|welcome"
    r"|appreciated|the|is|are|this|and|but|or|an?|class|classes|course|family|fun|just|turn|up"
    r"|absolutely|completely|totally|enter|join|take|part|participate|use|visit"
    r"|participants|schools"
    r"|families|children|exhibition|performance|show|it's|its|via|eventbrite|our|website|must|be"
    r"|booked|limited|suggested|optional|any|loan|hire|download|watch|cost|price|fully"
    r"|funded|by|on"
    r"|ahead|early|register|registration|reserve|spaces?|walk"
    r"|arts|council|england|thanks|you|will|pre|prebook|pre-booking|with|haf|programme|yes"
    r"|0|00)\b"
)
_DONATION = re.compile(
    r"\b(?:suggested|voluntary|recommended|minimum)?\ ?donations?\b|\bby\ donation\b|\bdonate\b"
    r"|\b(?:suggested|voluntary|optional)\ contributions?\b"
)
_PAY_WHAT = re.compile(
    r"\bpay[\ -]what[\ -](?:you|u)[\ -](?:can|like|want|decide|feel|wish|think)(?:\ \w{1,10})?"
    r"|\bpay[\ -]as[\ -]you[\ -](?:feel|can)\b|\bpwyc\b|\bpwyw\b|\bpayf\b|\bpay\ it\ forward\b"
    r"|\bpay\ what\ it(?:'|\ i)s\ worth\b|\bsliding\ scale\b"
)
_LESS = re.compile(r"\b(?:conc(?:ession)?s?|concessionary|reduced|discounted)\b\.?")
_EXPLAINED = re.compile(
    r"\b(?:adults?|child(?:ren)?|conc(?:ession)?s?|concessionary|students?|seniors?|oaps?|family"
    r"|families|under|over|members?|non-?members?|per|on|the|door|advance|in|early|bird"
    r"|standard|full"
    r"|half|reduced|price|tickets?|and|or|from|to|siblings?|each|first|second|additional|extra"
    r"|otherwise|others?|free|for|a|an|of|with|those|people|kids?|group|groups|residents?|low"
    r"|income|unwaged|waged|term|week|session|class|hour|day|course|person|pp|p|between|pupils?"
    r"|school|schools|drop|fee|plus|vat|booking|donation|suggested|pay|what|you|can|cost"
    r"|costs|price"
    r"|prices|meals|fsm|pupil|premium|18s?|16s?|is|are|all|workshop|performance|carers?|universal"
    r"|credit|benefits?|then|after|thereafter|participant|head|annual|membership|yearly|up|years?"
    r"|yrs|aged|ages?|old|s|inc|incl|including|ex|exc|excl|excluding|only|general|admission"
    r"|entry)\b"
)


@dataclass(frozen=True, slots=True)
class _Amounts:
    prices: tuple[Decimal, ...]
    upper: Decimal | None
    open_start: bool
    others: bool
    bundle: bool
    rest: str


def read_price(text: str) -> Reading[dict[str, Any]]:
    """The members of a price: free, from, to, per, text, concessions and the like."""
    plain = " ".join(tidy(text).lower().split())
    if not plain or plain == "-":
        return nothing(text)
    if len(plain) > LONGEST:
        return unread(text, "too_long")
    if plain in EMPTY:
        return unread(text, "wait_or_no")
    if WAITING.fullmatch(plain):
        return unread(text, "to_be_confirmed")
    bare = _bare(text, plain)
    if bare is not None:
        return bare
    odd = _HYPHENED.search(plain) or _COMMA.search(plain)
    if odd and not _HYPHENED.sub("", plain).strip(" .") and _COMMA.search(plain) is None:
        return _hyphened(text, plain)
    if _COMMA.search(plain):
        return unread(text, "not_a_price")
    return _Till(text, plain).reading()


def names_money(text: str) -> bool:
    """Whether a text names a sum that is not nothing, be it a price or a deposit."""
    plain = " ".join(tidy(text).lower().split())[:LONGEST]
    return any(_value(found) != 0 for found in _AMOUNT.finditer(plain))


# --- bare numbers -----------------------------------------------------------------------------

_BARE = re.compile(r"(\d{1,6})(?:\.(\d{1,4}))?")


def _bare(text: str, plain: str) -> Reading[dict[str, Any]] | None:
    """A cell that holds only a number: pounds when it has pence, else doubted."""
    found = _BARE.fullmatch(plain)
    if found is None:
        return None
    value = Decimal(plain)
    if value == 0:
        return Reading({"free": True}, text, CLEAR)
    if len(found[2] or "") > 2 and Decimal(plain) % PENNY:
        return unread(text, "not_a_price")
    if found[2] and len(found[2]) >= 2 and value <= MOST:
        return Reading({"from": _money(value)}, text, LIKELY)
    if value > MOST_BARE or found[1].startswith("0"):
        return unread(text, "not_a_price")
    return Reading({"from": _money(value)}, text, DOUBTFUL, (doubt("no_pound_sign", text),))


def _hyphened(text: str, plain: str) -> Reading[dict[str, Any]]:
    """ "£3-50" is three pounds fifty to some and a span to others; "£10-15" is a span."""
    low, high = (Decimal(part) for part in plain.strip(" .").lstrip("£ ").split("-"))
    if low < 10 <= high and high % 10 in (0, 5) and high > 2 * low:
        return unread(text, "several_prices")
    if high < low:
        return unread(text, "several_prices")
    return Reading({"from": _money(low), "to": _money(high)}, text, CLEAR)


def _money(value: Decimal) -> str:
    return str(value.quantize(PENNY))


# --- a sentence about money -------------------------------------------------------------------


class _Till:
    """What a text about money amounts to."""

    def __init__(self, text: str, plain: str) -> None:
        self.text = text
        self.plain = plain
        self.doubts: list[Doubt] = []
        self.confidence = SURE
        self.amounts = _amounts(plain)
        self.concessions = [code for code, words in CONCESSIONS if re.search(words, plain)]
        self.pay_what = bool(_PAY_WHAT.search(plain))
        if self.pay_what:
            self.concessions.append("pay_what_you_can")

    def reading(self) -> Reading[dict[str, Any]]:
        """The price, or why there is none."""
        free = _FREE.search(_NOT_FREE.sub(" ", self.plain)) is not None
        value: dict[str, Any] = {}
        if self.amounts.prices and not _is_donation(self.plain):
            value = self._paid(free=free)
        elif self.pay_what or (_is_donation(self.plain) and not free):
            value = {"pay_what_you_can": True}
            self.concessions = list(dict.fromkeys([*self.concessions, "pay_what_you_can"]))
        elif free:
            value = self._free()
        elif self.amounts.upper is not None:
            self.doubt("no_lowest")
            value = {"text": self._shown()}
        else:
            return unread(self.text, "not_a_price")
        return self._finished(value)

    def doubt(self, code: str, confidence: float = DOUBTFUL) -> None:
        """Note a doubt about the whole text."""
        self.doubts.append(doubt(code, self.text))
        self.confidence = min(self.confidence, confidence)

    def _shown(self) -> str:
        words = " ".join(tidy(self.text).split())
        return words if len(words) <= MOST_TEXT else words[: MOST_TEXT - 1] + "…"

    def _free(self) -> dict[str, Any]:
        some = _SOME_FREE.search(self.plain) or _FOR_SOME.search(self.plain)
        if some or self.amounts.others:
            if _BOOKING_FEE.search(self.plain) and not self.amounts.others:
                self.doubt("booking_fee", LIKELY)
            elif not self.amounts.others:
                self.doubt("conditional_free", LIKELY)
            return {"text": self._shown()}
        if _BOOKING_FEE.search(_NO_BOOKING_FEE.sub(" ", self.plain)):
            self.doubt("booking_fee", LIKELY)
            return {"text": self._shown()}
        rest = _FREE_WORDS.sub(" ", _NO_BOOKING_FEE.sub(" ", _FREE.sub(" ", self.plain)))
        words = re.sub(r"[\W_]+", " ", rest).split()
        if _CONDITION.search(self.plain) or any(word.isdecimal() for word in words):
            self.doubt("conditional_free")
            return {"text": self._shown()}
        if words:
            # The rest may name who goes free: free to everyone is not said for sure.
            self.doubt("conditional_free")
            return {"text": self._shown()}
        short = not _DONATION.search(self.plain)
        return {"free": True} if short else {"free": True, "text": self._shown()}

    def _paid(self, *, free: bool) -> dict[str, Any]:
        low, high = min(self.amounts.prices), max(self.amounts.prices)
        if self.amounts.upper is not None:
            high = max(high, self.amounts.upper)
        some_free = free and bool(_SOME_FREE.search(self.plain) or "free for" in self.plain)
        if some_free and "carer_free" not in self.concessions:
            low = Decimal(0)
        elif free and not some_free and "carer_free" not in self.concessions:
            self.doubt("conditional_free")
        if high == 0:
            return {"free": True}
        value: dict[str, Any] = {"from": _money(low)}
        if high > low:
            value["to"] = _money(high)
        per = _per(self.plain)
        several = some_free or (len(self.amounts.prices) > 1 and not _SPAN.search(self.plain))
        if per and not (several and per in _WHO):
            value["per"] = per.value
        if self._needs_words(per):
            value["text"] = self._shown()
        self._ask_about_several()
        return value

    def _ask_about_several(self) -> None:
        if self.amounts.bundle:
            self.doubt("bundle")
        unknown = re.sub(r"[\W\d_]+", " ", _EXPLAINED.sub(" ", self.amounts.rest)).split()
        if len(self.amounts.prices) > 1 and unknown:
            self.doubt("several_prices", LIKELY)
        elif unknown:
            self.confidence = min(self.confidence, CLEAR)

    def _needs_words(self, per: PricePer | None) -> bool:
        """Whether the text says more than the members do."""
        rest = self.amounts.rest
        if per:
            found = _PER_WORDS[per].search(rest)
            if found and not re.search(r"\d|half[ -]term", found[0]):
                rest = rest[: found.start()] + rest[found.end() :]
        rest = re.sub(r"\b(?:only|just|cost|price|tickets?|gbp|to|between|and)\b", " ", rest)
        return (
            bool(re.search(r"[a-z\d]", rest))
            or self.amounts.others
            or (len(self.amounts.prices) > 1 and not _SPAN.search(self.plain))
        )

    def _finished(self, value: dict[str, Any]) -> Reading[dict[str, Any]]:
        if self.pay_what:
            value["pay_what_you_can"] = True
        if "bursary" in self.concessions:
            value["bursary"] = True
        if self.concessions and not value.get("free"):
            value["concessions"] = self.concessions
        if value.get("pay_what_you_can") or value.get("bursary"):
            value.setdefault("text", self._shown())
        return Reading(value, self.text, self.confidence, tuple(self.doubts))


_PER_WORDS: Mapping[PricePer | None, re.Pattern[str]] = {
    per: re.compile(words) for per, words in PER
}
_WHO = frozenset({PricePer.CHILD, PricePer.PERSON, PricePer.FAMILY})
"""Words that, beside several prices, say who pays which of them."""


_FREE_CLAUSE = re.compile(r"free\ (?:for|to|with)\ [^,;.()]{0,80}|[^,;.()£]{0,40}\ free\b")


def _per(plain: str) -> PricePer | None:
    """What the price pays for: the words that come first, apart from those on who goes free."""
    plain = _BUNDLE_AFTER.sub(" ", _FREE_CLAUSE.sub(" ", plain))
    found = [
        (match.start(), place, per)
        for place, (per, _) in enumerate(PER)
        if (match := _PER_WORDS[per].search(plain))
    ]
    return min(found)[2] if found else None


def _is_donation(plain: str) -> bool:
    return bool(_DONATION.search(plain)) and not re.search(r"£[\d.]+\ (?:per|a)\b", plain)


def _amounts(plain: str) -> _Amounts:
    """The amounts of a text that are prices, and the text without them."""
    text = _SHARED.sub(r"\1\2£", plain)
    prices: list[Decimal] = []
    upper: Decimal | None = None
    others = open_start = bundle = False
    rest: list[str] = []
    end = 0
    for found in _AMOUNT.finditer(text):
        before, after = text[end : found.start()], text[found.end() : found.end() + 30]
        rest.append(before)
        end = found.end()
        value = _value(found)
        if value is None or _NOT_BEFORE.search(before[-40:]) or _NOT_AFTER.match(after):
            others = True
        elif _UP_TO.search(before[-20:]):
            upper = value
        else:
            open_start = open_start or bool(_FROM.search(before[-20:]))
            bundle = bundle or bool(_BUNDLE.search(before[-20:]) or _BUNDLE_AFTER.match(after))
            prices.append(value)
    rest.append(text[end:])
    return _Amounts(tuple(prices), upper, open_start, others, bundle, " ".join(rest))


def _value(found: re.Match[str]) -> Decimal | None:
    if found["k"]:
        return None
    if found["c"]:
        return Decimal(found["c"]) / 100
    value = Decimal((found["p"] or found["w"]).replace(",", ""))
    return value if value <= MOST else None
