"""The commands of `python -m app`.

Results go to standard output and everything else to standard error, so that scripts can use
them. Exit status: 0, 1 (it could not be done, and why), 2 (the words are off).
"""

import ctypes
import gc
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
import uvicorn
from fastapi import FastAPI
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from sqlmodel import Session, col, select

from app.access.actions import create_key as make_key
from app.access.actions import revoke_key
from app.access.models import SYSTEM, ApiKey, KeyRole, KeyWrite
from app.authorities import school_term_actions, school_term_files
from app.authorities.loading import load_postcodes, load_region
from app.authorities.models import Authority
from app.deliveries.actions import mend_times, purge_delivered
from app.deliveries.letters import ConsoleMail, Letterhead
from app.deliveries.mail import TOPIC as MAIL
from app.deliveries.smtp import MailServer, SmtpSender
from app.deliveries.worker import Job, Sender, Worker, running
from app.enquiries import retention
from app.enquiries.keeping_time import keep_time
from app.enquiries.retention import purge as purge_enquiries
from app.feeds import openactive_soundness
from app.feeds.openactive_keeping import sort_and_renew
from app.harvests.actions import purge as purge_harvests
from app.harvests.harvester import FEED_BYTES, FEED_SECONDS, Harvester, harvesting
from app.kit import contract, migrations
from app.kit.database import Database, Unavailable
from app.kit.doctor import examine
from app.kit.idempotency import purge as purge_idempotency_keys
from app.kit.observe import log_json
from app.kit.outbound import Outbound
from app.kit.problems import Problem, sentence
from app.kit.protocol import FASTEST, HEAD_BYTES
from app.main import (
    create_app,
    enquiry_rules,
    feeds_reach_of,
    open_database,
    openapi_document,
    reach_of,
)
from app.opportunities import soundness
from app.opportunities.asking import ask, expire_unanswered
from app.opportunities.documents import refresh_stale
from app.opportunities.duplicates import find
from app.opportunities.headlines import headlines
from app.opportunities.life import Rules
from app.opportunities.merging import keep_up
from app.opportunities.reassessment import reassess
from app.opportunities.upkeep import expire, follow_areas, index_anew, move_on
from app.partnerships.loading import load_partnerships
from app.settings import Settings
from app.sources.batches import purge_reports
from app.sources.demonstration import load_demonstration
from app.sources.quality_history import record_quality
from app.vocabularies.actions import load_terms
from app.webhooks.actions import purge as purge_webhook_log
from app.webhooks.dispatching import Dispatcher, dispatching
from app.webhooks.emitting import TOPIC as EVENT
from app.webhooks.emitting import FanOut

cli = typer.Typer(
    name="python -m app",
    help="The service that Local Cultural Education Partnerships run on.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
load = typer.Typer(help="Load reference and demonstration data.", no_args_is_help=True)
keys = typer.Typer(help="Make, list and revoke API keys.", no_args_is_help=True)
cli.add_typer(load, name="load")
cli.add_typer(keys, name="keys")
said = Console(stderr=True, highlight=False)

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class CannotDoError(Exception):
    """What was asked could not be done; the message says why and what to do."""


def main() -> None:
    """Run a command, and tell failures in a sentence."""
    try:
        cli()
    except ValidationError as error:
        if error.title != Settings.__name__:
            raise
        first = error.errors()[0]
        name = f" LCEP_{first['loc'][0]}:".upper() if first["loc"] else ""
        said.print(f"[red]This could not be done.[/red]{name} {sentence(first)}")
        sys.exit(1)
    except (CannotDoError, Problem, Unavailable, OSError) as error:
        said.print(f"[red]This could not be done.[/red] {error}")
        sys.exit(1)


# --- serving ----------------------------------------------------------------------------------


COMPARING_SECONDS = 20.0
"""Of each minute at most, for looking whether what arrived is there already."""


def jobs(settings: Settings) -> list[Job]:
    """What the worker does each minute, each hour and each day."""
    confirm, grace = settings.listing_confirm_days, settings.listing_grace_days
    return [
        Job("expire", MINUTE, expire),
        Job("next_session", MINUTE, move_on),
        Job("stale_documents", MINUTE, refresh_stale),
        Job("openactive", MINUTE, sort_and_renew),
        Job("merged_listings", MINUTE, partial(keep_up, rules=_rules(settings))),
        Job("duplicates", MINUTE, partial(find, seconds=COMPARING_SECONDS)),
        Job("partnership_areas", HOUR, follow_areas),
        Job("index_anew", HOUR, index_anew),
        Job("quality", HOUR, reassess),
        Job("source_quality", DAY, record_quality),
        # Those who did not answer expire before anybody else is asked.
        Job("expire_unanswered", DAY, partial(expire_unanswered, days=grace)),
        Job("ask", DAY, partial(ask, days=confirm)),
        Job("purge_reports", DAY, partial(purge_reports, days=settings.report_days)),
        Job("purge_harvests", DAY, _committed(partial(purge_harvests, days=settings.report_days))),
        Job("enquiries", MINUTE, partial(keep_time, rules=enquiry_rules(settings))),
        Job("purge_enquiries", DAY, purge_enquiries),
        # What was erased by request while somebody was reading is gone from the files soon.
        Job("empty_log", 10 * MINUTE, Database.empty_log),
        Job("purge_idempotency_keys", HOUR, _committed(purge_idempotency_keys)),
        Job("delivery_times", MINUTE, _committed(mend_times)),
        Job("purge_deliveries", HOUR, _committed(purge_delivered)),
        Job(
            "purge_webhook_log",
            HOUR,
            _committed(partial(purge_webhook_log, days=settings.webhook_log_days)),
        ),
    ]


def _rules(settings: Settings) -> Rules:
    return Rules(safeguarding_required=settings.safeguarding_required)


def _committed(action: Callable[[Session], object]) -> Callable[[Database], object]:
    def run(database: Database) -> object:
        with database.writing(seconds=60) as session:
            return action(session)

    return run


def senders(settings: Settings) -> dict[str, Sender]:
    """Who sends what, by topic; the rest is noted in the log."""
    sender = settings.mail_from or f"no-reply@{settings.domain}"
    head = Letterhead(sender, settings.mail_from_name, settings.mail_reply_to, settings.domain)
    if settings.smtp_host:
        server = MailServer(
            settings.smtp_host,
            settings.smtp_port,
            settings.smtp_security,
            username=settings.smtp_username,
            password=settings.smtp_secret,
            ca_file=settings.smtp_ca_file,
            timeout=settings.smtp_timeout,
        )
        return {MAIL: SmtpSender(server, head)}
    return {MAIL: ConsoleMail(head)} if settings.mail_show else {}


def make_worker(database: Database) -> Worker:
    """The worker of this service."""
    settings = Settings()
    sent: dict[str, Sender] = {**senders(settings), EVENT: FanOut(database)}
    return Worker(database, sent, jobs(settings))


def make_dispatcher(database: Database) -> Dispatcher:
    """What sends to webhooks. It runs beside the worker, so that nothing of it waits for them."""
    settings = Settings()
    return Dispatcher(
        database,
        Outbound(reach_of(settings)),
        headlines,
        public_url=settings.public_url,
        hands=settings.webhook_hands,
        patience=timedelta(days=settings.webhook_patience_days),
    )


def make_harvester(database: Database) -> Harvester:
    """What fetches partners' feeds. It runs beside the worker, so that no mail waits for them."""
    settings = Settings()
    bounds = Outbound(feeds_reach_of(settings), total_seconds=FEED_SECONDS, most_bytes=FEED_BYTES)
    rules = Rules(
        safeguarding_required=settings.safeguarding_required, max_listings=settings.max_listings
    )
    return Harvester(database, bounds, rules)


def application() -> FastAPI:
    """The application for the settings of this process; each server process makes its own."""
    _share_heaps()
    sys.setswitchinterval(SWITCH_SECONDS)
    settings = Settings()
    log_json(settings.log_level)
    beside = _beside if _has_worker(settings) else None
    app = create_app(settings, beside=beside, ahead=True)
    _collect_seldom()
    return app


SWITCH_SECONDS = 0.0005
"""How long a thread goes on computing while another waits to. Python's own is ten times as long,
and reads then waited out a batch again and again."""

M_ARENA_MAX = -8
"""glibc's name for how many heaps the threads of a process may have."""


def _share_heaps() -> None:
    """Two heaps for all threads: glibc would keep one for each, and give little back."""
    with suppress(OSError, AttributeError):  # another C library has other ways
        ctypes.CDLL("libc.so.6").mallopt(M_ARENA_MAX, 2)


def _collect_seldom() -> None:
    """Look for cyclic garbage less often, and never among what is there from the start.

    A batch makes millions of objects, hardly one of them in a cycle: looking through them all
    again and again took a quarter of its time.
    """
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)


def _has_worker(settings: Settings) -> bool:
    if settings.worker is not None:
        return settings.worker
    return settings.database_url.startswith("sqlite")


@contextmanager
def _beside(database: Database) -> Iterator[None]:
    with (
        running(make_worker(database)),
        dispatching(make_dispatcher(database)),
        harvesting(make_harvester(database)),
    ):
        yield


@cli.command()
def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.")] = 8000,
    workers: Annotated[int, typer.Option(help="Server processes.", min=1, max=64)] = 1,
    no_worker: Annotated[
        bool, typer.Option("--no-worker", help="Leave the worker to `work`.")
    ] = False,
) -> None:
    """Serve the API. On SQLite the worker runs inside, unless --no-worker."""
    settings = Settings()
    if no_worker:
        os.environ["LCEP_WORKER"] = "false"  # server processes read it
    _must_be_current(settings)
    uvicorn.run(
        "app.cli:application",
        factory=True,
        host=host,
        port=port,
        workers=workers if workers > 1 else None,
        http=FASTEST,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.forwarded_allow_ips),
        forwarded_allow_ips=settings.forwarded_allow_ips or None,
        timeout_keep_alive=10,
        timeout_graceful_shutdown=10,
        h11_max_incomplete_event_size=HEAD_BYTES,
    )


@cli.command()
def work() -> None:
    """Run the worker alone: deliveries and periodic jobs. Any number may run at once."""
    settings = Settings()
    log_json(settings.log_level)
    _must_be_current(settings)
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    with (
        _database(settings) as database,
        dispatching(make_dispatcher(database)),
        harvesting(make_harvester(database)),
    ):
        make_worker(database).run(stop)


@cli.command()
def start(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.")] = 8000,
) -> None:
    """Do all that a first start needs, then serve: migrate, load the region, make a key."""
    settings = Settings()
    migrations.upgrade(settings.database_url)
    with _database(settings) as database:
        if not _has_region(database):
            _load_region(database)
        token = _first_key(database)
    base = f"http://{host}:{port}"
    said.print(f"\n[bold]Ready at {base}[/bold]  (documentation: {base}/docs)")
    if token:
        said.print("\nYour first key. It is an administrator's, and it is shown only now:")
        said.print(f"\n  export KEY={token}")
    said.print(
        "\nTry:\n"
        f"  curl '{base}/v1/partnerships?limit=5'\n"
        f"  curl '{base}/v1/postcodes/B1%201BB'\n"
        f"  curl '{base}/v1/me' -H \"Authorization: Bearer $KEY\"\n"
        "\nFor a region full of made-up listings, in another window:\n"
        "  .venv/bin/python -m app load demo\n",
        soft_wrap=True,
    )
    # A process of its own, so that what loading took is given back.
    command = [sys.executable, "-m", "app", "serve", "--host", host, "--port", str(port)]
    os.execv(sys.executable, command)  # noqa: S606 - our own interpreter, no shell


# --- the database -----------------------------------------------------------------------------


@cli.command()
def migrate(
    revision: Annotated[str, typer.Option(help="Go to this revision.")] = "head",
) -> None:
    """Bring the database to the schema of this software."""
    migrations.upgrade(Settings().database_url, revision)
    said.print(f"The database is at {revision}.")


@cli.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The file to make; it must not exist yet.")],
) -> None:
    """Copy the SQLite database whole into a file, while the service runs."""
    settings = Settings()
    with _database(settings) as database:
        if not database.is_sqlite:
            raise CannotDoError("On PostgreSQL use pg_dump: see the README.")
        if file.exists():
            raise CannotDoError(f"{file} exists already. Choose another name.")
        database.copy_to(file)
    typer.echo(str(file))


@cli.command()
def purge(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be forgotten.")
    ] = False,
) -> None:
    """Forget the enquiries whose time is over; the worker does so each day. Prints JSON."""
    with _database(Settings()) as database:
        found = retention.due(database)
        if not dry_run:
            found["enquiries"] = purge_enquiries(database)
            if not database.empty_log():
                raise CannotDoError(
                    "They are forgotten, but somebody was reading, so that traces may stand in the "
                    "write-ahead log. Run it again."
                )
    typer.echo(json.dumps({"dry_run": dry_run, **found}))


@cli.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Look for what is wrong with the database; exit 1 if anything is.

    Copies of listings that are made for reading are mended on the way: documents, search, places,
    and items of the OpenActive feeds.
    """
    settings = Settings()
    with _database(settings) as database:
        findings = list(examine(database))
        if not any(finding.level == "error" for finding in findings):
            findings += soundness.examine(database)
            findings += openactive_soundness.examine(database)
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings]))
    else:
        for finding in findings:
            mark = {"ok": "[green]ok[/green]     ", "warning": "[yellow]warning[/yellow]"}
            said.print(f"{mark.get(finding.level, '[red]error[/red]  ')} {finding.text}")
    if any(finding.level == "error" for finding in findings):
        raise typer.Exit(1)


@load.command("region")
def load_region_command() -> None:
    """Load the West Midlands: authorities, boundaries, postcodes, vocabularies, partnerships."""
    with _database(Settings()) as database:
        _load_region(database)


@load.command("postcodes")
def load_postcodes_command(
    file: Annotated[
        Path, typer.Argument(help="An ONSPD or Code-Point Open CSV.", exists=True, dir_okay=False)
    ],
) -> None:
    """Load the postcodes of another region from a file of the ONS or Ordnance Survey."""
    with _database(Settings()) as database, _progress("Postcodes") as progress:
        try:
            loaded = load_postcodes(database, file, progress)
        except ValueError as error:
            raise CannotDoError(str(error)) from None
    typer.echo(json.dumps(loaded.as_dict()))


@load.command("terms")
def load_school_terms(
    file: Annotated[
        Path,
        typer.Argument(
            help="A CSV with the columns authority, name, starts_on, ends_on, source.",
            exists=True,
            dir_okay=False,
        ),
    ],
) -> None:
    """Replace the school terms by those of a file; a line without authority is the region's."""
    with _database(Settings()) as database:
        lines: Sequence[int] = ()
        try:
            sheet = school_term_files.from_csv(file.read_bytes())
            lines = sheet.lines
            with database.writing() as session:
                report = school_term_actions.replace(session, SYSTEM, sheet.write)
        except Problem as problem:
            found = school_term_files.with_lines(problem, lines)
            raise CannotDoError("\n".join(error.detail for error in found.errors)) from None
    typer.echo(json.dumps(report.model_dump()))


@load.command("demo")
def load_demo(
    seed: Annotated[int, typer.Option(help="The same seed makes the same region.")] = 2026,
    listings: Annotated[int, typer.Option(help="How many listings.", min=1, max=1_000_000)] = 3_000,
) -> None:
    """Fill the region with made-up organisations, programmes and listings, marked as such."""
    with _database(Settings()) as database:
        if not _has_region(database):
            raise CannotDoError("Load the region first: python -m app load region")
        with _progress("Demonstration") as progress:
            counts = load_demonstration(database, seed=seed, listings=listings, progress=progress)
    typer.echo(json.dumps(counts))


# --- keys -------------------------------------------------------------------------------------


@keys.command("create")
def create_key(
    role: Annotated[KeyRole, typer.Option(help="What it may do.")],
    name: Annotated[str, typer.Option(help="Who holds it: one person or system.")] = "",
    organisation: Annotated[
        str | None, typer.Option(help="A publisher's organisation, by slug.")
    ] = None,
    partnership: Annotated[
        list[str] | None, typer.Option(help="A coordinator's partnership, by slug; repeatable.")
    ] = None,
    expires: Annotated[
        datetime | None, typer.Option(help="A day at most a year ahead, the default.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the key with its parts.")] = False,
) -> None:
    """Make a key and print it. It is shown only now."""
    with _database(Settings()) as database, database.writing() as session:
        try:
            write = KeyWrite(
                name=name or f"{role} made on the command line",
                role=role,
                organisation=organisation,
                partnerships=partnership or [],
                expires_at=expires.astimezone() if expires else None,
            )
        except ValidationError as error:
            raise CannotDoError(sentence(error.errors()[0])) from None
        row, token = make_key(session, SYSTEM, write)
        parts = {"key": token, "id": row.public_id, "expires_at": row.expires_at.isoformat()}
    typer.echo(json.dumps(parts) if as_json else token)


@keys.command("list")
def list_keys(
    as_json: Annotated[bool, typer.Option("--json", help="Print them as JSON.")] = False,
) -> None:
    """List the keys, without their secrets."""
    with _database(Settings()) as database, database.reading() as session:
        rows = session.exec(select(ApiKey).order_by(col(ApiKey.pk))).all()
        found = [
            {
                "id": row.public_id,
                "role": row.role.value,
                "name": row.name,
                "expires_at": row.expires_at.isoformat(),
                "revoked_at": row.revoked_at.isoformat() if row.revoked_at else None,
            }
            for row in rows
        ]
    if as_json:
        typer.echo(json.dumps(found))
    else:
        for key in found:
            state = "revoked" if key["revoked_at"] else f"until {str(key['expires_at'])[:10]}"
            typer.echo(f"{key['id']}  {key['role']:<12} {state:<18} {key['name']}")


@keys.command("revoke")
def revoke_key_command(
    key_id: Annotated[str, typer.Argument(help="The id: the part after `lcep_`.")],
) -> None:
    """End a key at once."""
    public_id = key_id.removeprefix("lcep_").split("_")[0]
    with _database(Settings()) as database, database.writing() as session:
        revoke_key(session, SYSTEM, public_id)
    said.print(f"{public_id} is revoked.")


# --- the contract -----------------------------------------------------------------------------


@cli.command()
def openapi(
    check: Annotated[
        bool, typer.Option("--check", help="Only tell whether the committed file is current.")
    ] = False,
) -> None:
    """Write the contract to openapi/openapi.json."""
    made = contract.text(openapi_document(create_app(Settings())))
    path = contract.committed()
    if check:
        if not path.exists() or path.read_text(encoding="utf-8") != made:
            raise CannotDoError(f"{path.name} is not current. Run: python -m app openapi")
        said.print(f"{path.name} is current.")
        return
    path.parent.mkdir(exist_ok=True)
    path.write_text(made, encoding="utf-8")
    said.print(f"Wrote {path.name}.")


# --- helpers ----------------------------------------------------------------------------------


@contextmanager
def _database(settings: Settings) -> Iterator[Database]:
    database = open_database(settings)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def _progress(title: str) -> Iterator[Callable[[int, int], None]]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=said) as shown:
        task = shown.add_task(title, total=None)

        def report(done: int, total: int) -> None:
            shown.update(task, completed=done, total=total)

        yield report


def _must_be_current(settings: Settings) -> None:
    with _database(settings) as database:
        if migrations.current(database) != migrations.head():
            raise CannotDoError(
                "The schema of the database is not current. Run: python -m app migrate"
            )


def _has_region(database: Database) -> bool:
    with database.reading() as session:
        return session.exec(select(Authority.pk).limit(1)).first() is not None


def _load_region(database: Database) -> None:
    with _progress("The region") as progress:
        loaded: Any = load_region(database, progress)
    with database.writing() as session:
        terms = load_terms(session)
    partnerships = load_partnerships(database)
    said.print(
        f"Loaded {loaded.authorities} authorities, {loaded.postcodes:,} postcodes, "
        f"{terms} terms and {partnerships} partnerships."
    )


def _first_key(database: Database) -> str | None:
    with database.writing() as session:
        if session.exec(select(ApiKey.pk).limit(1)).first() is not None:
            return None
        write = KeyWrite(name="First administrator", role=KeyRole.ADMIN)
        return make_key(session, SYSTEM, write)[1]
