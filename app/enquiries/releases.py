"""Personal data that leaves: one reading, a table, a subject's access. Each is audited."""

import csv
import io
from collections.abc import Sequence

from sqlmodel import Session

from app.access import audit
from app.access.models import Caller
from app.enquiries import queries, reading
from app.enquiries.models import Enquiry
from app.enquiries.shown import EnquiryRead, SubjectAccess
from app.kit.spreadsheet_text import safe_cell
from app.kit.times import now

MOST_ROWS = 5_000
BOM = "\ufeff"
COLUMNS = (
    "reference",
    "received_at",
    "kind",
    "state",
    "outcome",
    "about",
    "partnership",
    "role",
    "age_band",
    "assignee",
    "due_at",
    "answered_at",
    "closed_at",
    "retain_until",
    "name",
    "email",
    "phone",
    "organisation",
    "postcode",
    "message",
)


def read(session: Session, caller: Caller, row: Enquiry, public_url: str) -> EnquiryRead:
    """One enquiry; if that tells who asks, the reading is written down."""
    if queries.sees_contact(caller, row):
        audit.record(session, caller, "enquiry.read", "enquiry", row.id)
    return reading.whole(session, caller, [row], public_url)[0]


def as_csv(session: Session, caller: Caller, rows: Sequence[Enquiry], public_url: str) -> str:
    """Enquiries as a table for a spreadsheet program, and an audit row for each of them."""
    audit.record_all(
        session, caller, "enquiry.export", "enquiry", [(row.id, None, None) for row in rows]
    )
    out = io.StringIO()
    write = csv.writer(out, lineterminator="\r\n").writerow
    write(COLUMNS)
    for row, brief in zip(rows, reading.in_list(session, caller, rows, public_url), strict=True):
        values = {
            **brief.model_dump(mode="json"),
            **reading.contact(row).model_dump(),
            "about": row.about_name,
            "partnership": brief.partnership.name if brief.partnership else None,
            "message": row.message,
        }
        write([safe_cell(str(values[name] or "")) for name in COLUMNS])
    return BOM + out.getvalue()


def subject_access(session: Session, caller: Caller, email: str, public_url: str) -> SubjectAccess:
    """All that is kept of a person, by e-mail address. The audit rows do not hold the address."""
    rows = queries.with_email(session, email)
    audit.record(session, caller, "enquiry.subject_access", "enquiry", len(rows))
    audit.record_all(
        session, caller, "enquiry.read", "enquiry", [(row.id, None, None) for row in rows]
    )
    found = reading.whole(session, caller, rows, public_url)
    return SubjectAccess(made_at=now(), enquiries=found)
