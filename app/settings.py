"""Every knob of the service. Each is an environment variable: LCEP_ and the name in capitals."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict


def _without_slash(value: str) -> str:
    return value.rstrip("/")


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
