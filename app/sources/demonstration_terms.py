"""Made-up school terms in the usual English pattern: dates worked out, and taken from nowhere."""

from collections import Counter
from datetime import date

from sqlmodel import Session

from app.access.models import SYSTEM
from app.authorities import school_term_actions, school_term_queries
from app.authorities.school_terms import SchoolTermsWrite, SchoolTermWrite
from app.sources.demonstration_dates import Calendar

SOURCE = "Made up for the demonstration. These are not the dates of any school or council."
SEPTEMBER = 9


def make_school_terms(session: Session, today: date, made: Counter[str]) -> None:
    """Make the region's terms of this school year and the next, unless staff have loaded some."""
    if any(not row.demo for row in school_term_queries.stored(session)):
        return
    year = today.year if today.month >= SEPTEMBER else today.year - 1
    calendar = Calendar(today)
    items = [
        SchoolTermWrite(
            name=f"{name} (demonstration)", starts_on=first, ends_on=last, source=SOURCE
        )
        for start in (year, year + 1)
        for name, first, last in calendar.terms(start)
    ]
    write = SchoolTermsWrite(items=items)
    made["school_terms"] += school_term_actions.replace(session, SYSTEM, write, demo=True).added
