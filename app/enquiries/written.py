"""The bodies that people send: the form, a message, and what coordinators and staff decide.

No refusal repeats a value: whoever reads logs or error reports must not learn who asked what.
"""

import re
from typing import Annotated, Self

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from app.authorities.postcodes import normalise_postcode
from app.enquiries.models import (
    EMAIL_LENGTH,
    NAME_LENGTH,
    ORGANISATION_LENGTH,
    PHONE_LENGTH,
    REASON_LENGTH,
    TEXT_LENGTH,
    EnquirerRole,
    EnquiryKind,
    EnquiryOutcome,
)
from app.enquiries.sensitive import advice
from app.kit.problems import MemberError
from app.kit.shapes import Write
from app.kit.text import nothing_if_blank, one_line, paragraphs, phone_number
from app.opportunities.ages import AgeBand

_BREAKS = re.compile(r"[\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_TURNS = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_NAMES = (
    "a|abbr|audio|b|base|big|blockquote|body|br|button|canvas|center|code|details|div|em|embed|font"
    "|form|frame|h[1-6]|head|header|hr|html|i|iframe|img|input|li|link|main|marquee|math|meta|object"
    "|ol|option|p|picture|pre|s|script|section|select|small|source|span|strike|strong|style|sub|sup"
    "|summary|svg|table|tbody|td|template|textarea|tfoot|th|thead|title|tr|u|ul|video"
)
_TAGS = re.compile(
    # What is a tag by its name, or by an attribute; `<sam@example.org>` and `<3` are neither.
    rf"<!--.*?-->|</?(?:{_NAMES})(?:[\s/][^<>]*)?>"
    r"|<[a-z][\w:-]*[\s/][^<>=]*=[^<>]*>|<![a-z][^<>]*>",
    re.IGNORECASE | re.DOTALL,
)
MOST_ROUNDS = 5
_SCRIPTS = re.compile(r"<(script|style)\b[^<>]{0,2000}>.*?</\1\s*>", re.IGNORECASE | re.DOTALL)


def _untagged(value: str) -> str:
    for _ in range(MOST_ROUNDS):
        rest = _TAGS.sub("", _SCRIPTS.sub("", value))
        if rest == value:
            return value
        value = rest  # what was taken out may have stood in the middle of another
    return value.replace("<", "")


def _single(value: str) -> str:
    if _BREAKS.search(value):
        raise ValueError("Write this on one line.")
    value = one_line(_untagged(_TURNS.sub("", value)))
    if not value:
        raise ValueError("This must not be blank.")
    return value


def _anonymous(value: str) -> str:
    found = advice(value)
    if found:
        raise ValueError(found)
    return value


def _filled(value: str) -> str:
    value = paragraphs(_TURNS.sub("", value))
    if not value:
        raise ValueError("Write something here.")
    return value


def _email(value: str) -> str:
    if _BREAKS.search(value):
        raise ValueError("Write this on one line.")
    try:
        return validate_email(value.strip(), check_deliverability=False).normalized
    except EmailNotValidError:
        # The library's own words repeat parts of the address.
        raise ValueError("This is not an e-mail address. Check it for typing errors.") from None


def _postcode(value: str) -> str:
    try:
        return normalise_postcode(value)
    except ValueError:
        raise ValueError(
            "This is not shaped like a postcode. Give a whole one, such as B1 1BB, or none."
        ) from None


def _true(value: bool) -> bool:
    if not value:
        raise ValueError("We can only answer if you agree that we contact you about this.")
    return value


PersonName = Annotated[
    str, Field(max_length=NAME_LENGTH), AfterValidator(_single), AfterValidator(_anonymous)
]
EmailAddress = Annotated[
    str,
    Field(max_length=EMAIL_LENGTH, json_schema_extra={"format": "email"}),
    AfterValidator(_email),
]
MessageText = Annotated[
    str,
    Field(
        min_length=1,
        max_length=TEXT_LENGTH,
        description="Plain text. HTML tags and signs that turn the direction of writing are taken "
        "out; other control characters are refused. Leave out names and dates of birth of "
        "children.",
    ),
    AfterValidator(_untagged),
    AfterValidator(_filled),
    AfterValidator(_anonymous),
]
StaffText = Annotated[str, Field(min_length=1, max_length=TEXT_LENGTH), AfterValidator(_filled)]
Reason = Annotated[str, Field(max_length=REASON_LENGTH), AfterValidator(_single)]


class AboutWrite(Write):
    """What an enquiry is about: one of these, by its slug or id."""

    partnership: str | None = Field(default=None, max_length=80)
    opportunity: str | None = Field(default=None, max_length=80, description="Its id.")
    programme: str | None = Field(default=None, max_length=80)
    organisation: str | None = Field(default=None, max_length=80)

    @model_validator(mode="after")
    def one(self) -> Self:
        """Exactly one is named."""
        if len(self.named()) != 1:
            raise ValueError(
                "Name one of partnership, opportunity, programme and organisation, or leave "
                "`about` out."
            )
        return self

    def named(self) -> dict[str, str]:
        """What is named."""
        return {name: ref for name, ref in self.model_dump().items() if ref}


class ConsentsWrite(Write):
    """What the enquirer agrees to."""

    contact: Annotated[bool, AfterValidator(_true)] = Field(
        description="That we write or ring back about this enquiry. Without it we cannot answer."
    )
    share_with_provider: bool = Field(
        default=False, description="That whoever offers the activity may get the contact details."
    )


class EnquiryWrite(Write):
    """An enquiry from the public."""

    kind: EnquiryKind = Field(description="What it is for.")
    about: AboutWrite | None = None
    postcode: Annotated[
        Annotated[str, Field(max_length=12), AfterValidator(_postcode)] | None,
        BeforeValidator(nothing_if_blank),
    ] = Field(default=None, description="Where it is for; it decides who answers.")
    name: PersonName = Field(description="Of the adult or over-13 who asks.")
    email: EmailAddress
    organisation: Annotated[
        Annotated[
            str,
            Field(max_length=ORGANISATION_LENGTH),
            AfterValidator(_single),
            AfterValidator(_anonymous),
        ]
        | None,
        BeforeValidator(nothing_if_blank),
    ] = None
    phone: Annotated[
        Annotated[str, Field(max_length=PHONE_LENGTH), AfterValidator(phone_number)] | None,
        BeforeValidator(nothing_if_blank),
    ] = None
    role: EnquirerRole = Field(description="Who asks. Nobody under 13: let an adult write.")
    message: MessageText
    age_band: AgeBand | None = Field(
        default=None, description="Of the children concerned: all that we want to know of them."
    )
    consents: ConsentsWrite
    privacy_notice_version: Annotated[
        str, Field(min_length=1, max_length=40), AfterValidator(_single)
    ] = Field(description="Of the notice that was shown.", examples=["2026-11"])
    form_token: str = Field(description="From `GET /v1/enquiries/challenge`, when the form opened.")
    leave_empty: str = Field(
        default="", description="Hide this field from people and leave it empty: it is for robots."
    )

    @model_validator(mode="after")
    def child_of_a_parent(self) -> Self:
        """A name beside a birthday of the message is looked at together."""
        found = advice(f"{self.name}\n{self.message}")
        if found:
            raise MemberError(found, "message")
        return self


class MessageWrite(Write):
    """What the enquirer adds."""

    message: MessageText


class ReplyWrite(Write):
    """An answer, which goes to the enquirer by mail."""

    message: StaffText
    holding: bool = Field(
        default=False,
        description="Whether this only says that an answer will follow: the clock then runs on.",
    )


class NoteWrite(Write):
    """A private note. The enquirer may ask to read it."""

    note: StaffText


class AssignWrite(Write):
    """Who answers."""

    assignee: PersonName | None = Field(
        default=None, description="A colleague's name. Left out: you, by the name of your key."
    )
    email: Annotated[EmailAddress | None, BeforeValidator(nothing_if_blank)] = Field(
        default=None, description="Where the colleague is told and reminded."
    )


class CloseWrite(Write):
    """How it ended."""

    outcome: EnquiryOutcome


class ReasonWrite(Write):
    """Why, in a sentence."""

    reason: Reason


class ReassignWrite(Write):
    """Who answers instead."""

    partnership: str | None = Field(
        max_length=80, description="Slug or id of a partnership; null is the regional team."
    )
    reason: Reason


class EnquiryMerge(Write):
    """The enquiry that the same person sent before or after."""

    into: str = Field(max_length=40, description="Its id or its reference. It is kept.")


class HoldWrite(Write):
    """Whether law demands that an enquiry is kept for now."""

    hold: bool
    reason: Reason


class SubjectAccessWrite(Write):
    """Whose data are asked for."""

    email: EmailAddress
