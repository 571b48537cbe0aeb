"""Puts the application together: routers, handlers, middleware, what happens at start and end."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import (
    AbstractContextManager,
    AsyncExitStack,
    asynccontextmanager,
    nullcontext,
    suppress,
)
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from typing import Any, get_args

from anyio import to_thread
from fastapi import Depends, FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.middleware.cors import CORSMiddleware

from app.access import routes as access
from app.access.actions import LastUse
from app.access.callers import (
    Admin,
    CoordinatorOrStaff,
    SignedIn,
    Staff,
    admit,
    current_caller,
)
from app.access.inbox import Contributor
from app.authorities import routes as authorities
from app.authorities import school_term_routes as school_terms
from app.authorities.models import AuthorityKind
from app.authorities.school_terms import SchoolTermsWrite
from app.case_studies import routes as case_studies
from app.deliveries import routes as deliveries
from app.deliveries.queries import inbox as deliveries_inbox
from app.enquiries import my_routes as my_enquiry
from app.enquiries import release_routes as enquiry_releases
from app.enquiries import routes as enquiries
from app.enquiries import workflow_routes as enquiry_workflow
from app.enquiries.models import EnquirerRole, EnquiryKind, EnquiryOutcome, State
from app.enquiries.queries import inbox as enquiries_inbox
from app.enquiries.rules import Desk, Rules
from app.feeds import calendar_routes as calendars
from app.feeds import export_routes as exports
from app.feeds import openactive_routes as openactive
from app.feeds import oruk_routes as open_referral
from app.feeds import sitemap_routes as sitemaps
from app.feeds import structured_data_routes as structured_data
from app.feeds.openactive_keeping import keep_items
from app.feeds.rpde import Pages
from app.feeds.structured_data import linked_data
from app.harvests import routes as harvests
from app.harvests.queries import inbox as harvests_inbox
from app.kit import contract
from app.kit.addresses import Reach
from app.kit.answers import Answers
from app.kit.awaited_reads import AwaitedReads
from app.kit.conditional import Representation
from app.kit.database import Database, Listener, Unavailable
from app.kit.front_door import open_documentation, open_metrics
from app.kit.front_door import router as front_door
from app.kit.limits import RateLimit
from app.kit.methods import Methods
from app.kit.observe import Metrics, Observe
from app.kit.pages import Cursors
from app.kit.problems import Guard
from app.kit.problems import install as install_problems
from app.kit.quick_reads import QuickReads
from app.kit.secrets import shared_secret
from app.kit.watch import Watch
from app.opportunities import change_routes as changes
from app.opportunities import duplicate_routes as duplicates
from app.opportunities import list_routes as opportunity_lists
from app.opportunities import moderation_routes as moderation
from app.opportunities import owner_routes as listing_owners
from app.opportunities import routes as opportunities
from app.opportunities.census import Census
from app.opportunities.directory import Directories
from app.opportunities.documents import refresh_touched
from app.opportunities.duplicate_queries import inbox as duplicates_inbox
from app.opportunities.models import Delivery, Kind, Status
from app.opportunities.offerers import keep_offerers
from app.opportunities.queries import inbox as opportunities_inbox
from app.opportunities.written import OpportunityCorrectionWrite, OpportunityWrite
from app.organisations import routes as organisations
from app.partnerships import outline_routes as partnership_outlines
from app.partnerships import routes as partnerships
from app.programmes import routes as programmes
from app.programmes.models import ProgrammeKind, ProgrammeStatus
from app.settings import Settings
from app.sources import batch_routes as batches
from app.sources import routes as sources
from app.sources import state_routes as source_states
from app.sources.models import BatchItemWrite
from app.sources.state import inbox as sources_inbox
from app.vocabularies import routes as vocabularies
from app.vocabularies.models import TermRead, VocabularyRead
from app.webhooks import routes as webhooks
from app.webhooks.queries import inbox as webhooks_inbox

log = logging.getLogger("app")
LAST_USE_SECONDS = 60
FEED_SHARE = 250_000
"""Bytes of feed pages that are kept beside each megabyte of answers."""

TITLE = "Local Cultural Education Partnerships"
SUMMARY = "Who works where, and what children and young people can take part in."
DESCRIPTION = """
The service that the region's Local Cultural Education Partnerships (LCEPs) run on.

**Front ends** read it from any origin, without a key: one request a screen, filters that refuse
what they do not know, `ETag` and `If-None-Match`, `next` links that hold while data change.

**Partners** push their listings with a key, again and again without harm: the same thing twice is
`unchanged`, and every item that is not accepted is told why.

**Staff and coordinators** moderate, edit under `If-Match`, and leave an audit trail.

Every error is `application/problem+json` (RFC 9457) and says what to do next.
"""

TAGS = {
    "opportunities": "Listings: what children and young people can take part in.",
    "enquiries": "Requests from the public, the conversation, and what enquirers do themselves.",
    "feeds": "Listings as files, calendars, maps and structured data.",
    "sources": "Partners' systems, and the listings they push.",
    "partnerships": "The LCEPs: areas, members, stages, priorities.",
    "programmes": "What partnerships plan: milestones, outcomes, budgets.",
    "case-studies": "What was done, and what it changed.",
    "organisations": "Arts organisations, schools, libraries, music hubs; their venues.",
    "authorities": "Local authorities, their boundaries, school terms, and postcodes.",
    "openactive": "The same listings as OpenActive feeds, for activity finders.",
    "open-referral-uk": "The same listings as services, for councils' directories.",
    "vocabularies": "The words of the field, which staff can extend.",
    "deliveries": "What was announced by mail and otherwise: how it stands, and dead letters.",
    "webhooks": "Telling other systems what happened.",
    "access": "Keys, the caller's own view, the audit trail.",
    "service": "Where things are, and how the service is.",
}

ROOMS = (
    # Their paths end like names of files, which what follows would take for ids and slugs.
    exports,
    calendars,
    structured_data,
    sitemaps,
    partnership_outlines,
    # These two before the listings, which would take `changes` and `suggest` for ids.
    opportunity_lists,
    changes,
    opportunities,
    batches,
    duplicates,
    moderation,
    listing_owners,
    harvests,
    sources,
    source_states,
    partnerships,
    programmes,
    case_studies,
    # The table and the counts before the enquiries, which would take `counts` for an id.
    enquiry_releases,
    enquiries,
    enquiry_workflow,
    organisations,
    authorities,
    school_terms,
    vocabularies,
    deliveries,
    webhooks,
    openactive,
    open_referral,
    access,
)
OPEN_ROOMS = (my_enquiry,)
"""Rooms whose callers bring no key: a token of another kind, which they look at themselves."""
FIXED_VOCABULARIES: Mapping[str, tuple[type[StrEnum], str]] = {
    "kind": (Kind, "Kinds of opportunity."),
    "enquiry_kind": (EnquiryKind, "Kinds of enquiry."),
    "enquiry_outcome": (EnquiryOutcome, "How an enquiry ends."),
    "enquiry_role": (EnquirerRole, "Who asks."),
    "enquiry_state": (State, "The life of an enquiry."),
    "delivery": (Delivery, "How an opportunity is delivered."),
    "status": (Status, "The life of a listing."),
    "authority_kind": (AuthorityKind, "Kinds of local authority."),
    "programme_kind": (ProgrammeKind, "Kinds of programme."),
    "programme_status": (ProgrammeStatus, "The life of a programme."),
}
CLIENT_NAMES = {
    "AboutRead": "EnquiryAboutRead",
    "AboutWrite": "EnquiryAboutWrite",
    "AssignWrite": "EnquiryAssignment",
    "Booking": "BookingWrite",
    "Challenge": "EnquiryChallenge",
    "CloseWrite": "EnquiryClosing",
    "ConsentsWrite": "EnquiryConsentsWrite",
    "Contact": "ContactWrite",
    "EntryKind": "EnquiryEntryKind",
    "EntryRead": "EnquiryEntryRead",
    "HoldWrite": "EnquiryHold",
    "Image": "ImageWrite",
    "IndicatorFields": "Indicator",
    "Kind": "OpportunityKind",
    "MessageWrite": "EnquiryMessageWrite",
    "MonthCount": "EnquiryMonthCount",
    "NoteWrite": "EnquiryNoteWrite",
    "OptionalReason": "Withdrawal",
    "OriginRead": "OpportunitySourceRead",
    "OrukPage_OrukOrganizationSummary_": "OrukOrganizationPage",
    "OrukPage_OrukServiceAtLocation_": "OrukServiceAtLocationPage",
    "OrukPage_OrukServiceSummary_": "OrukServicePage",
    "OrukPage_OrukTaxonomyTerm_": "OrukTaxonomyTermPage",
    "OrukPage_OrukTaxonomy_": "OrukTaxonomyPage",
    "Outcome": "PushOutcome",
    "OutcomeRead": "ProgrammeOutcomeRead",
    "OutcomeWrite": "ProgrammeOutcomeWrite",
    "PlaceRead": "OpportunityVenueRead",
    "Price": "PriceWrite",
    "Reason": "Rejection",
    "ReassignWrite": "EnquiryReassignment",
    "Recurrence": "RecurrenceWrite",
    "ReplyWrite": "EnquiryReplyWrite",
    "Role": "CallerRole",
    "RoutedBy": "EnquiryRoutedBy",
    "RoutingRead": "EnquiryRouting",
    "Sort": "OpportunitySort",
    "State": "EnquiryState",
    "Status": "OpportunityStatus",
    "Subject": "EnquirySubject",
    "Trust": "SourceTrust",
    "VenueItem": "OpportunityVenueWrite",
}
"""Schemas whose name says enough in their room, and too little in a client's one namespace."""
GUARDS = frozenset(
    get_args(guard)[1].dependency for guard in (SignedIn, CoordinatorOrStaff, Staff, Admin)
)
"""The dependencies that refuse a caller without a key."""
PRIVATE_TABLES = frozenset(
    {
        "api_key",
        "api_key_partnership",
        "audit_event",
        "batch",
        "batch_item",
        "delivery",
        "enquiry",
        "enquiry_allowance",
        "enquiry_entry",
        "enquiry_tally",
        "harvest",
        "harvest_due",
        "harvest_position",
        "harvested_item",
        "idempotency_key",
        "opportunity_match",
        "opportunity_match_key",
        "periodic_job",
        "service_secret",
        "source",
        "source_harvest",
        "source_quality",
        "webhook",
        "webhook_attempt",
        "webhook_message",
    }
)
"""Tables of which nothing shows to a caller without a key: writing to them ends no kept answer.

A table that is not named here counts as public. Whoever shows something of one of these to the
public takes it out; a test reads everything without a key and looks.
"""
BEFORE_COMMIT: Sequence[Listener] = (keep_offerers, refresh_touched, keep_items)
INBOX: Sequence[Contributor] = (
    opportunities_inbox,
    duplicates_inbox,
    sources_inbox,
    harvests_inbox,
    enquiries_inbox,
    deliveries_inbox,
    webhooks_inbox,
)
LINKS = {
    "documentation": "/docs",
    "contract": "/openapi.json",
    "opportunities": "/v1/opportunities",
    "changes": "/v1/opportunities/changes",
    "partnerships": "/v1/partnerships",
    "programmes": "/v1/programmes",
    "case_studies": "/v1/case-studies",
    "enquiry_form": "/v1/enquiries/challenge",
    "organisations": "/v1/organisations",
    "venues": "/v1/venues",
    "authorities": "/v1/authorities",
    "boundaries": "/v1/authorities.geojson",
    "school_terms": "/v1/school-terms",
    "vocabularies": "/v1/vocabularies",
    "openactive": "/openactive",
    "open_referral_uk": "/oruk/v3",
    "health": "/healthz",
    "readiness": "/readyz",
    "sitemap": "/sitemap.xml",
}
EXPOSED = [
    "ETag",
    "Link",
    "Location",
    "Retry-After",
    "RateLimit",
    "RateLimit-Policy",
    "X-Request-Id",
]
ACCEPTED = [
    "Authorization",
    "Content-Type",
    "If-Match",
    "If-None-Match",
    "Idempotency-Key",
    "X-Request-Id",
]
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

Beside = Callable[[Database], AbstractContextManager[object]]
"""Something that runs beside the application while it serves, such as the worker."""


def open_database(settings: Settings) -> Database:
    """The database of these settings, with what must happen before each commit."""
    database = Database(settings.database_url, pool_size=settings.pool_size, private=PRIVATE_TABLES)
    database.before_commit.extend(BEFORE_COMMIT)
    return database


def reach_of(settings: Settings) -> Reach:
    """Where calls to addresses that others chose may go."""
    return Reach(
        allow_http=settings.outbound_allow_http,
        allow_loopback=settings.outbound_allow_loopback,
        ports=settings.ports,
    )


def feeds_reach_of(settings: Settings) -> Reach:
    """Where partners' feeds may be read: plain http too, since anybody may read what they say."""
    ports = settings.ports | {80} if settings.ports else settings.ports
    return Reach(allow_http=True, allow_loopback=settings.outbound_allow_loopback, ports=ports)


def create_app(settings: Settings, *, beside: Beside | None = None, ahead: bool = False) -> FastAPI:
    """An application of its own for these settings; nothing happens before it starts.

    `ahead` counts the listings when it starts, instead of when counts are first asked for.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        # A thread for each connection: more would only wait for one, and cost memory.
        to_thread.current_default_thread_limiter().total_tokens = settings.pool_size
        database = open_database(settings)
        app.state.database = database
        app.state.last_use = LastUse(database)
        app.state.census = Census(database)
        if ahead:
            app.state.census.prepare()
        app.state.directories = Directories()
        app.state.feed_pages = Pages(settings.cache_mb * FEED_SHARE)
        secret = await run_in_threadpool(shared_secret, database, "cursors")
        app.state.cursors = Cursors(secret)
        signing = await run_in_threadpool(shared_secret, database, "enquiries")
        app.state.desk = Desk(enquiry_rules(settings), signing)
        stopping = asyncio.Event()
        flushing = asyncio.create_task(_flush_now_and_then(app.state.last_use, stopping))
        async with AsyncExitStack() as stack:
            _open_short_ways(app, database, stack)
            if settings.cache_mb:
                stack.enter_context(app.state.watch.over(database))
            stack.enter_context(beside(database) if beside else nullcontext())
            yield
        stopping.set()
        await flushing  # not cut short: its thread would go on with a connection of its own
        await run_in_threadpool(app.state.census.close)
        await run_in_threadpool(app.state.last_use.flush)
        database.close()

    app = FastAPI(
        title=TITLE,
        version=_version(),
        summary=SUMMARY,
        description=DESCRIPTION.strip(),
        contact={"name": "The regional LCEP team", "url": settings.public_url},
        license_info={"name": "MIT", "identifier": "MIT"},
        servers=[{"url": "/", "description": "This service."}],
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
        generate_unique_id_function=contract.operation_name,
    )
    app.state.settings = settings
    app.state.metrics = Metrics()
    app.state.watch = Watch()
    app.state.links = LINKS
    app.state.admit = admit
    app.state.guards = GUARDS
    app.state.inbox = INBOX
    app.state.reach = reach_of(settings)
    app.state.linked_data = linked_data
    app.state.fixed_vocabularies = {
        name: _fixed(name, *parts) for name, parts in FIXED_VOCABULARIES.items()
    }
    install_problems(app)
    app.include_router(front_door)
    for room in ROOMS:
        for router in room.routers:
            # Authentication comes before anything else that a route does.
            # The limit stands here and not on the application, whose own refusal would pass
            # outside our middleware as plain text.
            app.include_router(
                router,
                dependencies=[Depends(current_caller)],
                max_body_size=settings.body_limit,
            )
    for room in OPEN_ROOMS:
        for router in room.routers:
            app.include_router(router, max_body_size=settings.body_limit)
    my_enquiry.open_page(app)
    open_documentation(app)
    if settings.metrics:
        open_metrics(app)
    _wrap(app, settings)
    return app


def enquiry_rules(settings: Settings) -> Rules:
    """What the settings decide about enquiries."""
    return Rules(
        form_seconds=settings.enquiry_form_seconds,
        form_hours=settings.enquiry_form_hours,
        max_links=settings.enquiry_max_links,
        per_address=settings.enquiries_per_address,
        per_email=settings.enquiries_per_email,
        in_all=settings.enquiries_in_all,
        remind_days=settings.enquiry_remind_days,
        due_days=settings.enquiry_due_days,
        escalate_days=settings.enquiry_escalate_days,
        link_days=settings.enquiry_link_days,
        retention=settings.enquiry_retention,
        regional_name=settings.regional_name,
        regional_email=settings.regional_email or None,
        page_url=settings.enquiry_page_url,
        public_url=settings.public_url,
    )


def openapi_document(app: FastAPI) -> dict[str, Any]:
    """The contract of an application, as it is committed."""
    tags = [{"name": name, "description": text} for name, text in TAGS.items()]
    models = (BatchItemWrite, OpportunityCorrectionWrite, OpportunityWrite, SchoolTermsWrite)
    return contract.document(
        app,
        tags=tags,
        signs_in=GUARDS,
        models=models,
        names=CLIENT_NAMES,
        schemes={my_enquiry.link_holder: my_enquiry.SCHEME},
    )


def _open_short_ways(app: FastAPI, database: Database, stack: AsyncExitStack) -> None:
    """What the fast paths read by, of which there is one for each engine."""
    app.state.quick = app.state.awaited = None
    if database.is_sqlite:
        app.state.quick = QuickReads(database)
        stack.callback(app.state.quick.close)
    else:
        app.state.awaited = AwaitedReads(database)
        stack.push_async_callback(app.state.awaited.close)


def _wrap(app: FastAPI, settings: Settings) -> None:
    # The last one added is the outermost: a refusal or a failure anywhere below still gets its
    # request id, its CORS headers and its line in the log.
    app.add_middleware(Guard)
    app.add_middleware(Representation)
    app.add_middleware(Methods, api=app)
    if settings.cache_mb:
        app.add_middleware(
            Answers,
            watch=app.state.watch,
            capacity=settings.cache_mb * 1_000_000,
            metrics=app.state.metrics,
        )
    app.add_middleware(
        RateLimit, per_address=settings.rate_per_address, per_key=settings.rate_per_key
    )
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.origins,
        allow_methods=METHODS,
        allow_headers=ACCEPTED,
        expose_headers=EXPOSED,
        max_age=86_400,
    )
    app.add_middleware(Observe, api=app, metrics=app.state.metrics)


def _fixed(name: str, values: type[StrEnum], description: str) -> VocabularyRead:
    return VocabularyRead(
        id=name,
        description=description,
        editable=False,
        terms=[
            TermRead(id=value.value, label=value.value.replace("_", " ").capitalize(), position=n)
            for n, value in enumerate(values)
        ],
    )


async def _flush_now_and_then(last_use: LastUse, stopping: asyncio.Event) -> None:
    while True:
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), LAST_USE_SECONDS)
        if stopping.is_set():
            return
        try:
            await run_in_threadpool(last_use.flush)
        except Unavailable:
            log.warning("the last use of keys could not be written; it is tried again")


def _version() -> str:
    try:
        return version("lcep")
    except PackageNotFoundError:
        return "0.1.0"
