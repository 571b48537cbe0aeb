"""Which listings have a word, as bitmaps in memory: of a million, hundreds of thousands.

Reading the keys of a common word from the index took 110 ms for every question; those of words
that were asked before are intersected with what filters let through in less than one. A thread
reads them, and no answer waits for it. What has changed since is asked of the index again, so that
what is kept is exact; and now and then all of it is, since an index can also be mended without a
change.
"""

import logging
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pyroaring import BitMap
from sqlalchemy import text
from sqlmodel import Session

from app.kit.database import Database, Unavailable
from app.opportunities import search
from app.opportunities.wanted import Wanted
from app.opportunities.word_queries import Part
from app.opportunities.words import Asked, Term

log = logging.getLogger(__name__)

Keys = BitMap

RARE = 10_000
"""Words in no more listings than this are found at once in SQLite's index."""
MOST_BYTES = 25_000_000
"""Of all words together; a common one has up to 250 kB where there are a million listings."""
OVERHEAD = 2_000
"""Bytes that a word takes beside its listings."""
MOST_CHANGED = 500
"""So many changed listings are asked for again with each question; of more, all is read anew."""
MOST_ASKED = 100
"""Words that wait to be read; who asks for ever new ones keeps nobody else's waiting for long."""
MOST_STEPS = 200
READ_SECONDS = 60.0
KEPT_SECONDS = 900.0
AT_ONCE = 10_000


@dataclass
class _Kept:
    """What is kept of a word."""

    by_part: Mapping[Part, Keys]
    size: int
    until: float
    changed: Keys = field(default_factory=BitMap)

    @property
    def is_usable(self) -> bool:
        """Whether few have changed since."""
        return len(self.changed) <= MOST_CHANGED

    @property
    def is_due(self) -> bool:
        """Whether it is time to read it anew."""
        return self.until < time.monotonic() or not self.is_usable


class KeptWords:
    """The words of one process. The census, which is held meanwhile, tells what changed."""

    def __init__(self, database: Database, last_number: Callable[[Session], int]) -> None:
        self._database = database
        self._last_number = last_number
        self._lock = threading.Lock()
        self._kept: OrderedDict[Term, _Kept] = OrderedDict()
        self._bytes = 0
        self._asked: dict[Term, None] = {}
        self._steps: deque[tuple[int, Keys]] = deque(maxlen=MOST_STEPS)
        self._forgotten = 0
        self._thread: threading.Thread | None = None
        self._closed = False

    def of(self, asked: Asked, part: Part) -> tuple[Keys, Keys] | None:
        """The listings that have all terms, and those that changed since; None if not kept."""
        with self._lock:
            found = []
            changed = BitMap()
            for term in asked.terms:
                kept = self._kept.get(term)
                if kept is None or not kept.is_usable:
                    return None
                self._kept.move_to_end(term)
                if kept.is_due:
                    self._ask(term)
                found.append(kept.by_part[part])
                changed |= kept.changed
            return (BitMap.intersection(*found), changed) if found else None

    def want(self, asked: Asked) -> None:
        """These terms were asked for, and are not kept: read them meanwhile."""
        with self._lock:
            for term in asked.terms:
                kept = self._kept.get(term)
                if kept is None or kept.is_due:
                    self._ask(term)

    def note(self, number: int, changed: Keys) -> None:
        """These changed; `number` is the last change number by now."""
        with self._lock:
            if len(self._steps) == MOST_STEPS:
                self._forgotten = self._steps[0][0]
            self._steps.append((number, changed))
            for kept in self._kept.values():
                kept.changed |= changed

    def close(self) -> None:
        """Wait for what is being read."""
        with self._lock:
            self._closed = True
            self._asked.clear()
            thread = self._thread
        if thread is not None:
            thread.join()

    # --- reading ------------------------------------------------------------------------------

    def _ask(self, term: Term) -> None:
        if self._closed or len(self._asked) >= MOST_ASKED:
            return
        self._asked[term] = None
        if self._thread is None:
            self._thread = threading.Thread(target=self._read_asked, name="words", daemon=True)
            self._thread.start()

    def _read_asked(self) -> None:
        while True:
            with self._lock:
                term = next(iter(self._asked), None)
                if term is None:
                    self._thread = None
                    return
            try:
                with self._database.reading(READ_SECONDS) as session:
                    number = self._last_number(session)
                    by_part = {part: self._read(session, term, part) for part in _PARTS}
            except Unavailable:
                log.info("the listings with a word could not be read; it is asked for again")
                with self._lock:
                    self._asked.pop(term, None)
            else:
                self._keep(term, number, by_part)

    def _read(self, session: Session, term: Term, part: Part) -> Keys:
        statement = search.keys_of_words(
            Wanted(words=Asked((term,))), part, is_sqlite=self._database.is_sqlite, tagged=False
        )
        keys = BitMap()
        if statement is not None:
            found = session.connection().execute(text(statement.sql), statement.parameters)
            while rows := found.cursor.fetchmany(AT_ONCE):
                keys.update([row[0] for row in rows])
        return keys

    def _keep(self, term: Term, number: int, by_part: Mapping[Part, Keys]) -> None:
        size = OVERHEAD + sum(len(keys.serialize()) for keys in by_part.values())
        with self._lock:
            self._asked.pop(term, None)
            if number < self._forgotten:
                return
            since = [keys for step, keys in self._steps if step > number]
            earlier = self._kept.pop(term, None)
            if earlier is not None:
                self._bytes -= earlier.size
            self._kept[term] = _Kept(
                by_part, size, time.monotonic() + KEPT_SECONDS, BitMap.union(BitMap(), *since)
            )
            self._bytes += size
            while self._bytes > MOST_BYTES:
                self._bytes -= self._kept.popitem(last=False)[1].size


_PARTS = (Part.ALL, Part.BY_TITLE)
