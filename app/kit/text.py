"""Text that people send: single lines, plain paragraphs, a safe subset of HTML, addresses."""

import re
import unicodedata
from functools import lru_cache
from typing import Annotated

import nh3
import phonenumbers
from email_validator import EmailNotValidError, validate_email
from pydantic import (
    AfterValidator,
    AnyHttpUrl,
    BeforeValidator,
    Field,
    TypeAdapter,
    ValidationError,
)

ALLOWED_TAGS = {"p", "ul", "ol", "li", "strong", "em", "a", "br", "h3"}
_URL = TypeAdapter(AnyHttpUrl)
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff]")
_DIRECTIONS = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
_SPACES = re.compile(r"\s+")


def one_line(value: str) -> str:
    """Normalise to NFC on one line, spaces folded; control characters are refused."""
    if value.isascii() and value.isprintable() and "  " not in value:
        return value.strip()  # nearly all: a third of the time of the rest
    if _CONTROLS.search(value):
        raise ValueError("Remove the control characters.")
    return _SPACES.sub(" ", _DIRECTIONS.sub("", unicodedata.normalize("NFC", value))).strip()


def paragraphs(value: str) -> str:
    """Normalise to NFC, keep line breaks; control characters are refused."""
    if _CONTROLS.search(value):
        raise ValueError("Remove the control characters.")
    lines = _DIRECTIONS.sub("", unicodedata.normalize("NFC", value)).splitlines()
    return "\n".join(line.rstrip() for line in lines).strip()


def safe_html(value: str) -> str:
    """Clean to p, ul, ol, li, strong, em, a[href], br and h3; links open http(s) only."""
    return nh3.clean(
        paragraphs(value),
        tags=ALLOWED_TAGS,
        attributes={"a": {"href"}},
        url_schemes={"http", "https"},
        link_rel="noopener nofollow",
    )


def http_url(value: str) -> str:
    """An absolute http(s) address without credentials, at most 2,000 characters."""
    value = value.strip()
    try:
        url = _URL.validate_python(value)
    except ValidationError:
        raise ValueError("Give a full address that starts with http:// or https://.") from None
    if url.username or url.password:
        raise ValueError("An address must not hold a user name or password.")
    return str(url)


@lru_cache(maxsize=1024)
def email_address(value: str) -> str:
    """An e-mail address, its domain in lower case; nothing is looked up."""
    try:
        return validate_email(value, check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise ValueError(f"This is not an e-mail address: {error}") from None


def envelope_address(value: str) -> str:
    """An address as mail servers take it: the domain in ASCII, and the rest if it can be."""
    known = validate_email(value, check_deliverability=False)
    return known.ascii_email or f"{known.local_part}@{known.ascii_domain}"


def phone_number(value: str) -> str:
    """A telephone number in international form; without a country code it is British."""
    try:
        number = phonenumbers.parse(value, "GB")
    except phonenumbers.NumberParseException:
        raise ValueError("This is not a telephone number.") from None
    if not phonenumbers.is_possible_number(number):
        raise ValueError("This is not a possible telephone number.")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def nothing_if_blank(value: object) -> object:
    """None for an empty or blank text."""
    return None if isinstance(value, str) and not value.strip() else value


def _line(value: str) -> str:
    value = one_line(value)
    if not value:
        raise ValueError("This must not be blank.")
    return value


Line = Annotated[str, Field(json_schema_extra={"pattern": r"\S"}), AfterValidator(_line)]
"""A text on one line; give it a `max_length`."""
Paragraphs = Annotated[str, AfterValidator(paragraphs)]
"""A plain text with line breaks; give it a `max_length`."""
SafeHTML = Annotated[
    str,
    Field(
        max_length=20_000,
        description="A small safe subset of HTML: p, ul, ol, li, strong, em, a[href], br, h3.",
    ),
    AfterValidator(safe_html),
]
Url = Annotated[
    str,
    Field(
        max_length=2_000,
        json_schema_extra={"format": "uri", "pattern": r"^https?://"},
    ),
    AfterValidator(http_url),
]
Email = Annotated[
    str, Field(max_length=254, json_schema_extra={"format": "email"}), AfterValidator(email_address)
]
Phone = Annotated[str, Field(max_length=40), AfterValidator(phone_number)]
Slug = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9]+(?:-[a-z0-9]+)*$", min_length=1, max_length=80, examples=["dance-hub"]
    ),
]
OptionalText = BeforeValidator(nothing_if_blank)
