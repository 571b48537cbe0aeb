"""Change numbers: drawn last before a commit from one counter, so that they follow the commits."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from sqlalchemy import BigInteger, Column, Table, text, update
from sqlalchemy.sql.elements import BindParameter
from sqlmodel import Session

CHANGES = "changes"
"""The name of the counter; the lock on its row puts the numbers in the order of the commits."""
_RAISE = text("UPDATE counter SET value = value + :total WHERE name = :name RETURNING value")
LONGEST_RUN = 200


def number(session: Session, table: Table, pks: Iterable[int]) -> None:
    """Ask for a new change number for rows of a table; drawn just before the commit."""
    session.info.setdefault("numbered", {}).setdefault(table, set()).update(pks)


def numbering(session: Session) -> dict[Table, set[int]]:
    """The rows that get a new change number with this transaction, for listeners to see or thin."""
    found: dict[Table, set[int]] = session.info.setdefault("numbered", {})
    return found


def number_alongside(session: Session, table: Table, column: Column[int]) -> None:
    """Give rows of another table the numbers of those in `table` whose keys `column` holds."""
    session.info.setdefault("alongside", {}).setdefault(table, set()).add(column)


def draw(session: Session) -> None:
    """Give whatever asked for a number its own, in a few statements."""
    noted: Mapping[Table, set[int]] = session.info.pop("numbered", {})
    wanted = {table: pks for table, pks in noted.items() if pks}
    total = sum(len(pks) for pks in wanted.values())
    if not total:
        return
    last = session.execute(_RAISE, {"total": total, "name": CHANGES}).scalar_one()
    following = last - total
    alongside: Mapping[Table, set[Column[int]]] = session.info.pop("alongside", {})
    for table, pks in wanted.items():
        runs = []
        for first, end in _runs(sorted(pks)):
            runs.append({"first": first, "end": end, "shift": following + 1 - first})
            following += end - first + 1
        session.connection().execute(
            update(table)
            .where(table.c.pk.between(_whole("first"), _whole("end")))
            .values(change_number=table.c.pk + _whole("shift")),
            runs,
        )
        for column in alongside.get(table, ()):
            session.connection().execute(
                update(column.table)
                .where(column.between(_whole("first"), _whole("end")))
                .values(change_number=column + _whole("shift")),
                runs,
            )


def _runs(pks: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The first and last of each run of keys that follow each other, as those of a batch do.

    Not too long a run: SQLite remembers all pages that a statement changes until it ends.
    """
    first = end = pks[0]
    for pk in pks[1:]:
        if pk != end + 1 or pk - first == LONGEST_RUN:
            yield first, end
            first = pk
        end = pk
    yield first, end


def _whole(name: str) -> BindParameter[int]:
    return BindParameter(name, type_=BigInteger())
