"""Made-up programmes and case studies of the partnerships there are."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from random import Random

from sqlmodel import Session, col

from app.access.models import SYSTEM
from app.case_studies.actions import create_case_study
from app.case_studies.models import (
    CaseStudyStatus,
    CaseStudyWrite,
    QuoteWrite,
    ReachedWrite,
)
from app.case_studies.queries import slug_is_taken as case_study_exists
from app.kit.conditional import IfMatch
from app.kit.times import today
from app.partnerships.models import Partnership
from app.partnerships.queries import visible_to as partnerships_visible_to
from app.programmes.actions import create_programme, replace_budget
from app.programmes.models import (
    BudgetKind,
    BudgetLineWrite,
    MilestoneWrite,
    OutcomeWrite,
    ProgrammeKind,
    ProgrammeStatus,
    ProgrammeWrite,
)
from app.programmes.queries import programmes_by_ref
from app.sources import demonstration_words as words
from app.sources.demonstration_dates import DAY, YEAR
from app.sources.demonstration_organisations import chances, demo_slug


def make_programmes(session: Session, seed: int, made: Counter[str]) -> dict[str, list[str]]:
    """Two or three programmes for each partnership: their slugs by the partnership's."""
    partnerships = session.execute(
        partnerships_visible_to(SYSTEM).order_by(col(Partnership.slug))
    ).scalars()
    slugs = [row.slug for row in partnerships]
    if not slugs:
        return {}
    known = programmes_by_ref(session, [demo_slug(title) for title, _ in words.PROGRAMMES])
    found: dict[str, list[str]] = {}
    for number, (title, about) in enumerate(words.PROGRAMMES):
        partnership = slugs[number % len(slugs)]
        found.setdefault(partnership, []).append(demo_slug(title))
        if demo_slug(title) not in known:
            _make_programme(session, seed, number, title, about, partnership)
            made["programmes"] += 1
    return found


STATUSES = (
    ProgrammeStatus.ACTIVE,
    ProgrammeStatus.PLANNED,
    ProgrammeStatus.ACTIVE,
    ProgrammeStatus.COMPLETED,
    ProgrammeStatus.ACTIVE,
)


def _make_programme(
    session: Session, seed: int, number: int, title: str, about: str, partnership: str
) -> None:
    random = chances(seed, title)
    status = ProgrammeStatus.CANCELLED if number == 13 else STATUSES[number % len(STATUSES)]
    begun = {ProgrammeStatus.PLANNED: -120, ProgrammeStatus.COMPLETED: 900}.get(status, 300)
    starts_on = today() - (begun + random.randint(-60, 60)) * DAY
    ends_on = starts_on + random.choice((1, 2, 3) if begun == 300 else (1, 2)) * YEAR
    training = "training" in about
    write = ProgrammeWrite(
        title=title,
        slug=demo_slug(title),
        kind=ProgrammeKind.TRAINING
        if training
        else random.choice((ProgrammeKind.ACTIVITY, ProgrammeKind.DEVELOPMENT)),
        summary=f"{words.MADE_UP} A programme of {about} with schools and artists.",
        description=f"<p>{words.MADE_UP} Artists, schools and young people plan {about} together, "
        "try it in a few places, and share what they learn.</p>",
        starts_on=starts_on,
        ends_on=ends_on,
        status=status,
        funders=random.sample(words.FUNDERS, random.randint(1, 3)),
        partnerships=[partnership],
        priorities=random.sample(
            ("access", "activity", "place", "progression", "wellbeing", "youth_involvement"), 2
        )
        + (["cpd"] if training else []),
        plan_years=sorted({_plan_year(starts_on), _plan_year(ends_on)}),
        milestones=_milestones(starts_on, ends_on),
        outcomes=_outcomes(random, status, _plan_year(starts_on)),
    )
    create_programme(session, SYSTEM, write, demo=True)
    lines = [
        BudgetLineWrite.model_validate(
            {
                "source": source,
                "kind": BudgetKind(kind),
                "description": text,
                "amount": str(random.randint(2, 60) * 500),
            }
        )
        for source, kind, text in words.BUDGET
    ]
    replace_budget(session, SYSTEM, demo_slug(title), lines, IfMatch(None))


def _plan_year(day: date) -> str:
    """The financial year that a day lies in, such as 2026/27."""
    first = day.year if day.month >= 4 else day.year - 1
    return f"{first}/{(first + 1) % 100:02}"


def _milestones(starts_on: date, ends_on: date) -> list[MilestoneWrite]:
    step = (ends_on - starts_on) // len(words.MILESTONES)
    dues = [starts_on + step * number for number in range(len(words.MILESTONES))]
    return [
        MilestoneWrite(title=title, due_on=due, done_on=due if due <= today() else None)
        for title, due in zip(words.MILESTONES, dues, strict=True)
    ]


def _outcomes(random: Random, status: ProgrammeStatus, year: str) -> list[OutcomeWrite]:
    found = []
    for indicator, most in (("participants", 2_000), ("schools", 40), ("sessions", 300)):
        target = random.randint(most // 4, most)
        reached = {ProgrammeStatus.COMPLETED: random.uniform(0.8, 1.3)}.get(status)
        if status is ProgrammeStatus.ACTIVE:
            reached = random.uniform(0.1, 0.9)
        found.append(
            OutcomeWrite(
                indicator=indicator,
                target=target,
                actual=round(target * reached) if reached else None,
                period=year,
            )
        )
    return found


def make_case_studies(
    session: Session, seed: int, programmes: Mapping[str, Sequence[str]], made: Counter[str]
) -> None:
    """Add the case studies that are missing, each of a programme and its partnership."""
    if not programmes:
        return
    carriers = sorted(programmes)
    for number, title in enumerate(words.CASE_STUDIES):
        slug = demo_slug(title)
        if case_study_exists(session, slug):
            continue
        random = chances(seed, title)
        partnership = carriers[number % len(carriers)]
        create_case_study(
            session, SYSTEM, _case_study(random, title, slug, partnership, programmes)
        )
        made["case_studies"] += 1


def _case_study(
    random: Random,
    title: str,
    slug: str,
    partnership: str,
    programmes: Mapping[str, Sequence[str]],
) -> CaseStudyWrite:
    return CaseStudyWrite(
        title=f"{title} (demonstration)",
        slug=slug,
        year=today().year - random.randint(0, 2),
        summary=f"{words.MADE_UP} What one programme changed, told by those who were there.",
        story=f"<p>{words.MADE_UP}</p><p>It began with a question from a class. A year later, "
        "artists, teachers and young people had made something that none of them could have "
        "made alone.</p>",
        status=CaseStudyStatus.PUBLISHED if random.random() < 0.8 else CaseStudyStatus.DRAFT,
        partnership=partnership,
        programme=random.choice(programmes[partnership]),
        priorities=random.sample(("access", "wellbeing", "place", "youth_involvement"), 2),
        reached=ReachedWrite(
            children=random.randint(40, 900),
            schools=random.randint(2, 20),
            artists=random.randint(2, 12),
            sessions=random.randint(8, 90),
        ),
        quotes=[
            QuoteWrite(
                text=random.choice(words.QUOTES),
                attribution=random.choice(words.SPEAKERS),
                consent_on=today() - random.randint(10, 200) * DAY,
            )
        ],
    )
