"""How many enquiries may come: from one address, with one e-mail address, and in all.

They are counted in the database, so that any number of processes share the counts. An address is
kept as a keyed digest alone, and only until its window ends. Whoever is over is refused before
anything is written: a flood then takes no write lock, and others get through.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv6Address, ip_address

from sqlalchemy import TextClause, delete, text
from sqlmodel import Session, col, select

from app.enquiries.models import EnquiryAllowance
from app.enquiries.rules import Desk
from app.enquiries.tokens import keyed_digest
from app.kit.problems import TOO_MANY, Problem
from app.kit.times import now

MINUTES = 60
ADDRESS_SECONDS = 10 * MINUTES
HOUR_SECONDS = 60 * MINUTES


@dataclass(frozen=True)
class Allowance:
    """One thing that is counted."""

    name: str
    digest: str
    quota: int
    seconds: int


# The same statement on both engines. A row is locked until the commit, so no two transactions can
# both take the last place; all take their rows in one order. A window that ends later than one that
# begins now was written by a clock that went wrong: nobody waits for that.
_COUNT = """
INSERT INTO enquiry_allowance (digest, count, ends_at) VALUES {rows}
ON CONFLICT (digest) DO UPDATE SET
    count = CASE WHEN enquiry_allowance.ends_at BETWEEN :at + 1 AND excluded.ends_at
        THEN enquiry_allowance.count + 1 ELSE 1 END,
    ends_at = CASE WHEN enquiry_allowance.ends_at BETWEEN :at + 1 AND excluded.ends_at
        THEN enquiry_allowance.ends_at ELSE excluded.ends_at END
RETURNING digest, count, ends_at
"""


def by_address(desk: Desk, address: str) -> Allowance:
    """What one network address may send; a household's or school's IPv6 network counts as one."""
    return Allowance(
        "address",
        keyed_digest(desk.secret, "address", _network(address)),
        desk.rules.per_address,
        ADDRESS_SECONDS,
    )


def by_email(desk: Desk, email: str) -> Allowance:
    """What may come with one e-mail address: nobody else's is to be filled by our confirmations."""
    digest = keyed_digest(desk.secret, "email", email.casefold())
    return Allowance("email", digest, desk.rules.per_email, HOUR_SECONDS)


def in_all(desk: Desk) -> Allowance:
    """What may come in all."""
    digest = keyed_digest(desk.secret, "all", "")
    return Allowance("all", digest, desk.rules.in_all, HOUR_SECONDS)


def refuse_spent(session: Session, allowances: Sequence[Allowance]) -> None:
    """A 429 if one is spent already; reads only."""
    at = int(now().timestamp())
    counted = {one.digest: one for one in allowances if one.quota}
    statement = select(EnquiryAllowance).where(
        col(EnquiryAllowance.digest).in_(counted), col(EnquiryAllowance.ends_at) > at
    )
    for row in session.exec(statement):
        one = counted[row.digest]
        if row.count >= one.quota and row.ends_at <= at + one.seconds:
            raise _too_many(one, row.ends_at - at)


def take(session: Session, allowances: Sequence[Allowance]) -> None:
    """Count one enquiry, or refuse it with 429; what is refused is not counted."""
    counted = {one.digest: one for one in allowances if one.quota}
    if not counted:
        return
    instant = now().timestamp()
    at = int(instant)
    values: dict[str, str | int] = {"at": at}
    for index, one in enumerate(counted.values()):
        values |= {f"digest_{index}": one.digest, f"ends_at_{index}": at + one.seconds}
    found = session.connection().execute(_counting(len(counted)), values).all()
    for digest, count, ends_at in found:
        if count > counted[digest].quota:
            raise _too_many(counted[digest], math.ceil(ends_at - instant))


@cache
def _counting(rows: int) -> TextClause:
    """The statement that counts so many things at once."""
    places = ", ".join(f"(:digest_{index}, 1, :ends_at_{index})" for index in range(rows))
    return text(_COUNT.format(rows=places))


def forget_email(session: Session, desk: Desk, email: str) -> None:
    """Drop the count of an e-mail address."""
    digest = by_email(desk, email).digest
    session.execute(delete(EnquiryAllowance).where(col(EnquiryAllowance.digest) == digest))


def forget_ended(session: Session) -> None:
    """Drop the counts whose window is over."""
    at = int(now().timestamp())
    session.execute(delete(EnquiryAllowance).where(col(EnquiryAllowance.ends_at) <= at))


def _too_many(one: Allowance, seconds: int) -> Problem:
    whose = {
        "address": "from your network address",
        "email": "with this e-mail address",
        "all": "in all",
    }[one.name]
    return Problem(
        TOO_MANY,
        f"More enquiries came {whose} than we can take at once. Nothing was stored. "
        f"Please send yours again in {max(1, seconds)} seconds.",
        headers={"Retry-After": str(max(1, seconds))},
    )


def _network(address: str) -> str:
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(int(parsed) >> 64)
    return str(parsed)
