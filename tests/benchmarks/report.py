"""The figures, for people and for programs."""

import json
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from tests.benchmarks import harness
from tests.benchmarks.cases import Figures, Plan, ReadFigure
from tests.benchmarks.figures import NAMES
from tests.benchmarks.harness import Rate
from tests.benchmarks.pushes import AGAIN, FIRST, LIMIT, PLAIN, SESSIONS, SHEET, PushFigure


def machine() -> dict[str, str | int]:
    """On what it was measured."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": _processor(),
        "cores": len(harness.CORES),
        "load_average": f"{os.getloadavg()[0]:.1f}",
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def conditions(facts: dict[str, str | int], engines: Mapping[str, str]) -> str:
    """When and on what it was measured, in a sentence."""
    packages = [f"{name} {version(name)}" for name in ("fastapi", "starlette", "uvicorn")]
    versions = ", ".join(
        [*packages, *(f"{NAMES[engine]} {number}" for engine, number in engines.items())]
    )
    return (
        f"{facts['date']}; {facts['processor']}, {facts['cores']} cores, load "
        f"{facts['load_average']}; Python {facts['python']}, {versions}."
    )


def as_json(facts: dict[str, str | int], plan: Plan, found: Sequence[Figures]) -> str:
    """Everything, unrounded."""
    engines = [asdict(figures) for figures in found]
    return json.dumps({"machine": facts, "plan": asdict(plan), "engines": engines}, indent=2)


def as_text(facts: dict[str, str | int], plan: Plan, found: Sequence[Figures]) -> str:
    """A table to read."""
    lines = [
        f"Benchmarks of {facts['date']}",
        f"{facts['processor']}, {facts['cores']} cores, {facts['system']}, "
        f"load {facts['load_average']}; Python {facts['python']}; "
        + ", ".join(f"{NAMES[one.engine]} {one.version}" for one in found),
        harness.method(plan.seconds, plan.rounds),
        "µs: processor time of the server process for one request, the steadiest figure here.",
        "share: requests a second as a share of the plain Starlette route's; (µs) the same by µs.",
    ]
    for figures in found:
        lines += ["", *_engine(figures)]
    return "\n".join(lines)


def _engine(figures: Figures) -> Iterator[str]:
    yield f"{NAMES[figures.engine]} {figures.version}, {figures.listings:,} listings"
    yield ""
    has_database = any(one.service.database_us is not None for one in figures.reads)
    yield _columns("", "", "service", "same middleware", "plain route", "share of plain")
    yield _columns(
        "read", "kB", "   req/s     µs p99 ms", "   req/s    µs", "   req/s    µs", "req/s   (µs)"
    ) + ("   database µs" if has_database else "")
    for read in figures.reads:
        yield _columns(*_read(read)) + (_database(read.service) if has_database else "")
    yield ""
    size = f"{figures.items:,} listings of {SESSIONS} sessions, {figures.batch_megabytes:.1f} MB"
    yield f"{'batch: ' + size:<54}{'ms':>8}{'CPU ms':>9}{'items/s':>9}{'x limit':>9}{'x plain':>9}"
    by_name = {push.name: push for push in figures.pushes}
    for push in figures.pushes:
        yield _push(push, figures.items, by_name[LIMIT], by_name[PLAIN])
    first = by_name[FIRST].seconds
    yield (
        f"  first {first / by_name[LIMIT].seconds:.1f} x the limit (goal: under 6); again "
        f"{by_name[AGAIN].seconds / first:.2f} of the first (goal: under 0.33); CSV "
        f"{by_name[SHEET].seconds / first:.2f} of JSON (goal: under 1.5)"
    )
    waits = figures.waits
    yield (
        f"  {waits.name}: p50 {waits.idle_p50:.1f} ms, p99 {waits.idle_p99:.1f} ms with nothing "
        f"else going on; {waits.busy_p50:.1f} and {waits.busy_p99:.1f} during a first push "
        f"({waits.reads} reads)"
    )
    yield ""
    yield f"start to ready  {figures.ready_seconds:6.2f} s   (goal: under 3)"
    yield f"load region     {figures.load_region_seconds:6.2f} s   (goal: under 15 on SQLite)"
    yield f"migrate         {figures.migrate_seconds:6.2f} s"
    yield f"load demo       {figures.load_demo_seconds:6.2f} s"
    yield (
        f"memory          {figures.ready_mb:6.0f} MB when ready, {figures.reading_mb:.0f} after "
        f"the reads (goal: under 150), {figures.batches_mb:.0f} at its peak in the batches "
        "(goal: under 300)"
    )


def _columns(*texts: str) -> str:
    name, size, service, same, plain, share = texts
    return f"{name:<31}{size:>7}  {service:>22}  {same:>15}  {plain:>14}  {share:>14}".rstrip()


def _read(read: ReadFigure) -> tuple[str, ...]:
    service, same, plain = read.service, read.same_middleware, read.plain
    return (
        read.name,
        f"{read.kilobytes:.1f}",
        f"{service.per_second:8,.0f}{service.cpu_us:7,.0f}{service.p99_ms:7.1f}",
        f"{same.per_second:8,.0f}{same.cpu_us:6,.0f}",
        f"{plain.per_second:8,.0f}{plain.cpu_us:6,.0f}",
        f"{service.per_second / plain.per_second:5.3f} ({plain.cpu_us / service.cpu_us:.3f})",
    )


def _database(rate: Rate) -> str:
    return f"{rate.database_us or 0:14,.0f}"


def _push(push: PushFigure, items: int, limit: PushFigure, plain: PushFigure) -> str:
    return (
        f"  {push.name:<52}{push.seconds * 1000:8,.0f}{push.cpu_seconds * 1000:9,.0f}"
        f"{items / push.seconds:9,.0f}{push.seconds / limit.seconds:9.1f}"
        f"{push.seconds / plain.seconds:9.1f}"
    )
