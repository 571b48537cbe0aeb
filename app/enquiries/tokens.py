"""Signed tokens: of the form, with the time of issue; of the enquirer's link, with its end.

Nothing of them is stored. What is signed says what it is for, so that one never passes as the
other.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from app.enquiries.rules import Desk
from app.kit.times import now

SIGNATURE_BYTES = 20
LINK_PREFIX = "enq_"


class FormToken(StrEnum):
    """What a form token tells of the form."""

    FINE = "fine"
    FORGED = "forged"
    TOO_YOUNG = "too_young"
    EXPIRED = "expired"


def form_token(desk: Desk) -> str:
    """A token that says when the form was opened, to the millisecond."""
    issued = int(now().timestamp() * 1000)
    return _written(desk, b"form", issued.to_bytes(8, "big") + secrets.token_bytes(4))


def examined(desk: Desk, token: str) -> FormToken:
    """Whether a form token is ours, and of an age at which a person would send a form."""
    body = _read(desk, b"form", token, 12)
    if body is None:
        return FormToken.FORGED
    issued = int.from_bytes(body[:8], "big") / 1000
    age = now().timestamp() - issued
    # One of the future is ours too: the clock was put back, and that is nobody's fault.
    if 0 <= age < desk.rules.form_seconds:
        return FormToken.TOO_YOUNG
    if age > desk.rules.form_hours * 3600:
        return FormToken.EXPIRED
    return FormToken.FINE


def link_token(desk: Desk, enquiry: UUID) -> str:
    """The enquirer's key to one enquiry, for as many days as the rules say."""
    ends = int((now() + timedelta(days=desk.rules.link_days)).timestamp())
    return LINK_PREFIX + _written(desk, b"link", enquiry.bytes + ends.to_bytes(8, "big"))


def opened(desk: Desk, token: str) -> tuple[UUID, datetime] | None:
    """The enquiry that a link opens, and when it ends; None if it is not ours, or has ended."""
    if not token.startswith(LINK_PREFIX):
        return None
    body = _read(desk, b"link", token.removeprefix(LINK_PREFIX), 24)
    if body is None:
        return None
    seconds = int.from_bytes(body[16:], "big")
    if seconds <= now().timestamp():
        return None
    return UUID(bytes=body[:16]), datetime.fromtimestamp(seconds, UTC)


def keyed_digest(secret: bytes, purpose: str, value: str) -> str:
    """A digest that only who has the secret can compare; another for each purpose."""
    return hmac.new(secret, f"{purpose}\0{value}".encode(), hashlib.sha256).hexdigest()


def _written(desk: Desk, purpose: bytes, body: bytes) -> str:
    signed = _signature(desk, purpose, body) + body
    return base64.urlsafe_b64encode(signed).decode().rstrip("=")


def _read(desk: Desk, purpose: bytes, token: str, length: int) -> bytes | None:
    try:
        raw = base64.b64decode(token.encode() + b"=" * (-len(token) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    signature, body = raw[:SIGNATURE_BYTES], raw[SIGNATURE_BYTES:]
    if len(body) != length or not hmac.compare_digest(signature, _signature(desk, purpose, body)):
        return None
    return body


def _signature(desk: Desk, purpose: bytes, body: bytes) -> bytes:
    return hmac.digest(desk.secret, purpose + b"\0" + body, hashlib.sha256)[:SIGNATURE_BYTES]
