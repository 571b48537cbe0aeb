"""Signs that no person with a question sent a form. Who shows them is told nothing of it."""

import re

from app.enquiries.rules import Rules
from app.enquiries.tokens import FormToken
from app.enquiries.written import EnquiryWrite

_LINK = re.compile(r"https?://|\bwww\.", re.IGNORECASE)


def signs(write: EnquiryWrite, token: FormToken, rules: Rules) -> list[str]:
    """The signs that an enquiry shows; an empty list is a person's."""
    found = []
    if write.leave_empty.strip():
        found.append("honeypot_filled")
    if token is FormToken.FORGED:
        found.append("token_forged")
    if token is FormToken.TOO_YOUNG:
        found.append("sent_too_soon")
    if len(_LINK.findall(write.message)) > rules.max_links:
        found.append("too_many_links")
    if _LINK.search(write.name) or _LINK.search(write.organisation or ""):
        found.append("link_for_a_name")
    return found
