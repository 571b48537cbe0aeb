"""Every knob of the service. Each is an environment variable: LCEP_ and the name in capitals."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict


def _without_slash(value: str) -> str:
    return value.rstrip("/")


def _with_id(value: str) -> str:
    if value and "{id}" not in value:
        raise ValueError("Write {id} where the id of the listing stands.")
    return value


class Settings(BaseSettings):
    """All have defaults that suit one machine with the embedded database."""

    model_config = SettingsConfigDict(env_prefix="LCEP_", extra="ignore")

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
        description="Days that the items of a batch's report are kept; its counts stay.",
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
    cache_mb: int = Field(
        default=64,
        ge=0,
        le=16_384,
        description="Memory per process for answers to the public, in MB; 0: none are kept.",
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
    def origins(self) -> list[str]:
        """The allowed origins as a list."""
        return [origin.strip() for origin in self.cors_origins.split(",") if origin.strip()]
