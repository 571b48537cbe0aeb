"""Which published listings have which value, as bitmaps in memory: counts without looking at rows.

Counting a million listings by SQL took a second for four facets; intersecting bitmaps of their
keys takes milliseconds for all of them, exactly. A bitmap holds the keys that have one value of
one thing. They are made once from the tables, and kept in step by change numbers: whatever a
filter looks at is part of what a listing shows, and changes its number. Each process has its own.
"""

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from functools import reduce
from operator import and_
from typing import Any

from pyroaring import BitMap
from sqlalchemy import text
from sqlmodel import Session, col, select

from app.kit.change_numbers import CHANGES
from app.kit.database import Counter, Database, Unavailable, chunks
from app.opportunities.ages import AgeBand, KeyStage
from app.opportunities.census_facts import ALL, ALWAYS, facts
from app.opportunities.kept_words import KeptWords
from app.opportunities.positions import Positions
from app.opportunities.wanted import Wanted, When

PATIENCE = 1.5
"""Seconds that a request waits for the first count."""
BUILD_SECONDS = 600.0
AT_ONCE = 1_000
MOST_MADE = 500
"""Unions that are kept: of months, bands of age, areas. They were most of what facets cost."""

Keys = BitMap


def uncounted(wanted: Wanted) -> Wanted:
    """What of the filters the bitmaps do not know: the rest is for SQL."""
    return replace(
        wanted,
        authority_pks=None,
        partnership_pks=None,
        organisation_pks=(),
        programme_pks=(),
        artforms=(),
        audiences=(),
        access=(),
        kinds=(),
        deliveries=(),
        ages=(),
        age_bands=(),
        key_stages=(),
        free=None,
        when=When() if wanted.when.is_dates_alone else wanted.when,
    )


class Census:
    """The bitmaps of one process. They are read and changed under a lock, for milliseconds."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._begun = threading.Lock()
        self._ready = threading.Event()
        self._thread: threading.Thread | None = None
        self._bits: dict[str, dict[Any, Keys]] = {}
        self._made: dict[Any, Keys] = {}
        self.positions = Positions()
        self.words = KeptWords(database, _last_number)
        self._number = 0

    @property
    def is_ready(self) -> bool:
        """Whether the first count is over."""
        return self._ready.is_set()

    @property
    def number(self) -> int:
        """The change number of the listings as they are counted by now."""
        return self._number

    def prepare(self) -> None:
        """Count for the first time, in a thread of its own, unless that has begun already."""
        if not self.is_ready and self._begun.acquire(blocking=False):
            self._thread = threading.Thread(target=self._build, name="census", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Wait for what is being read."""
        if self._thread is not None:
            self._thread.join()
        self.words.close()

    @contextmanager
    def in_step(self, session: Session) -> Iterator["Census"]:
        """The bitmaps as the session sees the listings; `Unavailable` while there are none."""
        self.prepare()
        if not self._ready.wait(PATIENCE):
            raise Unavailable("The listings are being counted for the first time.")
        with self._lock:
            self._follow(session)
            yield self

    @contextmanager
    def if_in_step(self, session: Session) -> Iterator["Census | None"]:
        """The same, or None while there are none."""
        self.prepare()
        if not self.is_ready:
            yield None
            return
        with self.in_step(session) as held:
            yield held

    @contextmanager
    def if_at(self, number: int) -> Iterator["Census | None"]:
        """The bitmaps, if they are those of this change number and nobody works on them."""
        if not self.is_ready or not self._lock.acquire(blocking=False):
            yield None
            return
        try:
            yield self if self._number == number else None
        finally:
            self._lock.release()

    # --- reading ------------------------------------------------------------------------------

    def of(self, name: str, value: Any) -> Keys:
        """The listings that have a value."""
        return self.values(name).get(value, _NONE)

    def values(self, name: str) -> Mapping[Any, Keys]:
        """All values of a thing."""
        return self._bits.get(name, {})

    @property
    def everything(self) -> Keys:
        """All listings that are published."""
        return self.of(*ALL)

    def any_of(self, name: str, values: Iterable[Any]) -> Keys:
        """The listings that have one of these values."""
        return _any([self.of(name, value) for value in values])

    def reaching(self, authority_pks: Iterable[int]) -> Keys:
        """The listings that reach one of these authorities, or the whole region."""
        asked = frozenset(authority_pks)
        return self._kept(
            ("reaching", asked), lambda: self.any_of("area", asked) | self.of("region_wide", True)
        )

    def aged(self, low: float, high: float) -> Keys:
        """The listings for some age of a range whose ends belong to it."""
        return self._kept(
            ("aged", low, high),
            lambda: self._ages(lambda first: first <= high, lambda last: last >= low),
        )

    def spanned(self, one: AgeBand | KeyStage) -> Keys:
        """The listings whose ages meet a span; see `conditions` for what that means."""
        return self._kept(("spanned", one), lambda: self._spanned(one))

    def _spanned(self, one: AgeBand | KeyStage) -> Keys:
        start, end = one.span
        if isinstance(one, AgeBand):
            return self._ages(lambda first: first < end, lambda last: last >= start)
        begins = self._ages(lambda first: first == start, lambda last: last == start)
        return begins | self._ages(lambda first: first < end, lambda last: last > start)

    def on_days(
        self, first: date | None, last: date | None, among: Mapping[int, Keys] | None = None
    ) -> Keys:
        """The listings with a session on one of these days, and what is always available.

        `among` has the days of some sessions only, by their ordinals.
        """
        if among is None:
            return self._kept(
                ("days", first, last), lambda: self._on_days(first, last, self.values("day"))
            )
        return self._on_days(first, last, among)

    def _on_days(self, first: date | None, last: date | None, among: Mapping[int, Keys]) -> Keys:
        low = first.toordinal() if first else 0
        high = last.toordinal() if last else date.max.toordinal()
        days = (keys for day, keys in among.items() if low <= day <= high)
        return BitMap.union(self.of(*ALWAYS), *days)

    def passing(self, wanted: Wanted, among: Keys | None = None) -> Keys:
        """The listings that pass all filters that are counted."""
        # What is counted is published, which what has words need not be.
        parts = list(self.parts(wanted).values()) or [self.everything]
        if among is not None:
            parts.append(among)
        return intersection(parts)

    def parts(self, wanted: Wanted) -> dict[str, Keys]:
        """What each filter lets through, by the name of the filter."""
        found = {name: keys for name, keys in self._lists(wanted) if keys is not None}
        if wanted.free is not None:
            found["free"] = self.of("free", wanted.free)
        if wanted.ages:
            found["age"] = _any([self.aged(one, one) for one in wanted.ages])
        for name, spans in (("age_band", wanted.age_bands), ("key_stage", wanted.key_stages)):
            if spans:
                found[name] = _any([self.spanned(one) for one in spans])
        if wanted.when and wanted.when.is_dates_alone:
            found["month"] = self.on_days(wanted.when.starts_from, wanted.when.starts_to)
        return found

    def _lists(self, wanted: Wanted) -> Iterator[tuple[str, Keys | None]]:
        for name, authority_pks in (
            ("authority", wanted.authority_pks),
            ("partnership", wanted.partnership_pks),
        ):
            yield name, None if authority_pks is None else self.reaching(authority_pks)
        plain: tuple[tuple[str, str, Collection[Any]], ...] = (
            ("provider", "provider_pk", wanted.organisation_pks),
            ("programme", "programme_pk", wanted.programme_pks),
            ("kind", "kind", wanted.kinds),
            ("delivery", "delivery", wanted.deliveries),
            ("artform", "artform", wanted.artforms),
            ("audience", "audience", wanted.audiences),
        )
        for name, thing, values in plain:
            yield name, self.any_of(thing, values) if values else None
        if wanted.access:
            features = (self.of("access", code) for code in wanted.access)
            yield "access", intersection([self.everything, *features])

    def _ages(self, begins: Callable[[float], bool], ends: Callable[[float], bool]) -> Keys:
        """Listings of which an age is stated, by where their ages begin and end."""
        lows = self.values("age_min")
        highs = self.values("age_max")
        low = BitMap.union(_NONE, *(keys for age, keys in lows.items() if begins(age or 0)))
        high = BitMap.union(
            _NONE, *(keys for age, keys in highs.items() if ends(_OLD if age is None else age))
        )
        return (low & high) - (self.of("age_min", None) & self.of("age_max", None))

    def _kept(self, asked: Any, make: Callable[[], Keys]) -> Keys:
        """What was put together of many bitmaps, until one of them changes. Nobody changes it."""
        found = self._made.get(asked)
        if found is None:
            if len(self._made) >= MOST_MADE:
                self._made.clear()
            found = self._made[asked] = make()
        return found

    # --- keeping in step ----------------------------------------------------------------------

    def _build(self) -> None:
        try:
            with self._database.reading(BUILD_SECONDS) as session, self._lock:
                self._number = _last_number(session)
                self._add(session, None)
            self._ready.set()
        except Unavailable:
            self._bits.clear()
            self.positions = Positions()
            self._begun.release()

    def _follow(self, session: Session) -> None:
        last = _last_number(session)
        if last <= self._number:
            return
        statement = text("SELECT pk FROM opportunity WHERE change_number > :number")
        found = session.connection().execute(statement, {"number": self._number})
        changed = list(found.scalars())
        self._made.clear()
        if changed:
            gone = BitMap(changed)
            for values in self._bits.values():
                for keys in values.values():
                    keys.difference_update(gone)
            self.positions.remove(changed)
            self.words.note(last, gone)
            for pks in chunks(changed, AT_ONCE):
                self._add(session, pks)
        self._number = last

    def _add(self, session: Session, pks: Sequence[int] | None) -> None:
        """Count the published ones of these listings, or of all."""
        published = BitMap()
        for name, values in facts(session, pks):
            for value, listed in values.items():
                keys = BitMap(listed)
                if name == ALL[0]:
                    published |= keys
                else:
                    keys &= published
                if keys:
                    held = self._bits.setdefault(name, {})
                    held[value] = held[value] | keys if value in held else keys
        self.positions.add(session, pks)


def intersection(parts: Iterable[Keys]) -> Keys:
    """What is in all of them: the smallest first, in half the time of pyroaring's own."""
    first, *others = sorted(parts, key=len)
    return reduce(and_, others, first)


_NONE: Keys = BitMap()
_OLD = float("inf")


def _any(found: Sequence[Keys]) -> Keys:
    """What is in one of them. Nobody may change it: of one it is that itself, not a copy."""
    return found[0] if len(found) == 1 else BitMap.union(_NONE, *found)


def _last_number(session: Session) -> int:
    statement = select(Counter.value).where(col(Counter.name) == CHANGES)
    return session.execute(statement).scalar_one_or_none() or 0
