"""Every knob of the service. Each is an environment variable: LCEP_ and the name in capitals."""

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.enquiries.rules import PURPOSES, RETENTION
from app.kit.text import email_address, envelope_address, one_line


def _without_slash(value: str) -> str:
    return value.rstrip("/")


def _purposes(value: dict[str, int]) -> dict[str, int]:
    unknown = sorted(set(value) - set(PURPOSES))
    if unknown:
        raise ValueError(f"There is no purpose {unknown[0]!r}. Use {', '.join(PURPOSES)}.")
    return value


Days = Annotated[int, Field(ge=0, le=3_650)]


def _address_or_nothing(value: str) -> str:
    if not value:
        return ""
    found = envelope_address(email_address(value))
    if not found.isascii():
        raise ValueError("What stands before the @ must be ASCII.")
    return found


Address = Annotated[str, AfterValidator(_address_or_nothing)]


def _with_id(value: str) -> str:
    if value and "{id}" not in value:
        raise ValueError("Write {id} where the id of the listing stands.")
    return value


class Settings(BaseSettings):
    """All have defaults that suit one machine with the embedded database."""

    model_config = SettingsConfigDict(
        env_prefix="LCEP_",
        extra="ignore",
        hide_input_in_errors=True,  # a mistake must not put a password on the screen
    )

    database_url: str = Field(
        default="sqlite:///lcep.db",
        description="Where the data are: sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME.",
    )
    public_url: Annotated[str, AfterValidator(_without_slash)] = Field(
        default="http://127.0.0.1:8000",
        description="The address at which the public reaches this service; all links start so.",
    )
    listing_page: Annotated[str, AfterValidator(_with_id)] = Field(
        default="",
        description="The address of a listing's page in your front end, with `{id}` in it, for "
        "the sitemap; by default its address here.",
    )
    cors_origins: str = Field(
        default="*", description="Origins that browsers may call from, by commas; * is any."
    )
    worker: bool | None = Field(
        default=None,
        description="Whether `serve` also runs the worker; by default on SQLite only.",
    )
    pool_size: int = Field(
        default=20,
        ge=1,
        le=200,
        description="Threads, and connections kept for reading, per process.",
    )
    rate_per_address: int = Field(
        default=1200,
        ge=0,
        description="Requests a minute for an address without a key; 0: no limit.",
    )
    rate_per_key: int = Field(
        default=6000, ge=0, description="Requests a minute for one key; 0: no limit."
    )
    body_limit: int = Field(
        default=1_000_000, ge=1_000, description="Largest ordinary request body, in bytes."
    )
    safeguarding_required: bool = Field(
        default=True,
        description="Whether a listing needs its provider's safeguarding facts to be published.",
    )
    listing_confirm_days: int = Field(
        default=180,
        ge=0,
        le=3_650,
        description="Days after which the owner of a listing without an end, not sent again, is "
        "asked whether it is still on; 0: never.",
    )
    listing_grace_days: int = Field(
        default=30, ge=1, le=3_650, description="Days to answer before such a listing expires."
    )
    report_days: int = Field(
        default=400,
        ge=1,
        le=3_650,
        description="Days that the items of a batch's report are kept (its counts stay), and "
        "what is told of a harvest.",
    )
    max_listings: int = Field(
        default=20_000,
        ge=0,
        description="Standing listings of one source, unless staff set another number; "
        "0: no limit.",
    )
    pushes_per_hour: int = Field(
        default=3_600,
        ge=0,
        description="What one source, or one key, may push in an hour: a listing sent alone "
        "counts one, a batch twenty; 0: no limit.",
    )
    enquiry_form_seconds: int = Field(
        default=3,
        ge=0,
        le=60,
        description="A form of an enquiry sent sooner after it was opened is taken for spam.",
    )
    enquiry_form_hours: int = Field(
        default=24, ge=1, le=720, description="How long the token of an opened form is good."
    )
    enquiry_max_links: int = Field(
        default=2, ge=0, le=100, description="Links in a message; with more it is taken for spam."
    )
    enquiries_per_address: int = Field(
        default=5,
        ge=0,
        description="Enquiries in ten minutes from one network address; 0: no limit.",
    )
    enquiries_per_email: int = Field(
        default=5,
        ge=0,
        description="Enquiries in an hour with one e-mail address; 0: no limit.",
    )
    enquiries_in_all: int = Field(
        default=1_000, ge=0, description="Enquiries in an hour in all; 0: no limit."
    )
    enquiry_remind_days: int = Field(
        default=4,
        ge=0,
        le=250,
        description="Working days after which whoever answers an enquiry is reminded.",
    )
    enquiry_due_days: int = Field(
        default=5, ge=0, le=250, description="Working days after which an answer is due."
    )
    enquiry_escalate_days: int = Field(
        default=7, ge=0, le=250, description="Working days after which the regional team is told."
    )
    enquiry_link_days: int = Field(
        default=90, ge=1, le=730, description="Days that the link mailed to an enquirer works."
    )
    enquiry_page_url: str = Field(
        default="",
        description="The page that the link opens, which reads the token after the #; by default "
        "a plain page of this service.",
    )
    enquiry_retention: Annotated[dict[str, Days], AfterValidator(_purposes)] = Field(
        default=dict(RETENTION),
        description="Days that enquiries are kept, as JSON: `longest` after receipt at most, the "
        "others after closing: `default`, `spam`, `withdrawn`, or a kind of enquiry.",
    )
    regional_name: str = Field(
        default="the regional team", description="What the regional team is called."
    )
    regional_email: Address = Field(
        default="", description="The regional team's mailbox, for enquiries that are its or late."
    )
    smtp_host: str = Field(
        default="",
        max_length=253,
        description="The server that takes our mail; without one, mail is only noted in the log.",
    )
    smtp_port: int = Field(
        default=587, ge=1, le=65_535, description="Its port: 587 for starttls, 465 for tls."
    )
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        default="starttls",
        description="How the way to it is encrypted: `starttls`, `tls` from the start, or `none`.",
    )
    smtp_username: str = Field(
        default="", max_length=320, description="The name to sign in with; without one, we do not."
    )
    smtp_password: SecretStr = Field(default=SecretStr(""), description="The password for it.")
    smtp_password_file: Path | None = Field(
        default=None, description="A file that holds the password, instead."
    )
    smtp_ca_file: Path | None = Field(
        default=None,
        description="Certificates (PEM) to trust for that server, instead of the system's.",
    )
    smtp_timeout: float = Field(
        default=10.0, ge=0.1, le=60, description="Seconds to wait for each of its answers."
    )
    mail_from: Address = Field(
        default="", description="The address that mail comes from; needed with a mail server."
    )
    mail_from_name: Annotated[str, AfterValidator(one_line)] = Field(
        default="Local Cultural Education Partnerships",
        max_length=100,
        description="The name shown with that address.",
    )
    mail_reply_to: Address = Field(
        default="", description="Where answers go, if not to the address that mail comes from."
    )
    mail_domain: str = Field(
        default="",
        max_length=253,
        pattern=r"^([A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*)?$",
        description="Our domain in Message-IDs and greetings; that of `LCEP_MAIL_FROM` by default.",
    )
    mail_show: bool = Field(
        default=False,
        description="For development: print whole mails when there is no mail server.",
    )
    outbound_allow_loopback: bool = Field(
        default=False,
        description="Whether webhooks and feeds may be on this machine itself, by http too: for "
        "tests.",
    )
    outbound_allow_http: bool = Field(
        default=False, description="Whether webhooks may go to http:// addresses."
    )
    outbound_ports: str = Field(
        default="443,8443",
        pattern=r"^[0-9, ]*$",
        description="Ports that webhooks may go to, and feeds (with 80) be on, by commas; none "
        "named: any.",
    )
    webhook_log_days: int = Field(
        default=30, ge=1, le=3_650, description="Days that the delivery log of webhooks is kept."
    )
    webhook_patience_days: int = Field(
        default=5,
        ge=1,
        le=365,
        description="Days of failing after which a webhook is disabled and its owner told.",
    )
    webhook_hands: int = Field(
        default=8, ge=1, le=64, description="Webhooks that one worker sends to at the same time."
    )
    cache_mb: int = Field(
        default=64,
        ge=0,
        le=16_384,
        description="Memory per process for answers to the public, in MB; 0: none are kept.",
    )
    publisher: str = Field(
        default="Local Cultural Education Partnerships",
        max_length=160,
        description="Who publishes the open data, as feeds name it.",
    )
    data_licence: str = Field(
        default="https://creativecommons.org/licenses/by/4.0/",
        max_length=300,
        description="The address of the licence under which the open data are published.",
    )
    metrics: bool = Field(default=False, description="Whether GET /metrics answers (Prometheus).")
    forwarded_allow_ips: str = Field(
        default="",
        description="Proxies whose X-Forwarded-For is believed, by commas; none by default.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="How much is logged."
    )

    @property
    def ports(self) -> frozenset[int]:
        """The ports that may be called."""
        return frozenset(int(port) for port in self.outbound_ports.split(",") if port.strip())

    @property
    def origins(self) -> list[str]:
        """The allowed origins as a list."""
        return [origin.strip() for origin in self.cors_origins.split(",") if origin.strip()]

    @property
    def domain(self) -> str:
        """Our domain as mail tells it."""
        sender = self.mail_from.rpartition("@")[2]
        return self.mail_domain or sender or urlsplit(self.public_url).hostname or "localhost"

    @property
    def smtp_secret(self) -> str:
        """The password for the mail server, from the environment or from its file."""
        if self.smtp_password_file:
            return self.smtp_password_file.read_text(encoding="utf-8").rstrip("\r\n")
        return self.smtp_password.get_secret_value()

    @model_validator(mode="after")
    def mail_can_be_sent(self) -> Self:
        """A mail server needs a sender's address, and a password an encrypted way."""
        if self.smtp_host and not self.mail_from:
            raise ValueError("Set LCEP_MAIL_FROM, the address that mail comes from.")
        if self.smtp_username and self.smtp_security == "none":
            raise ValueError("Set LCEP_SMTP_SECURITY: a password is not sent unencrypted.")
        return self
