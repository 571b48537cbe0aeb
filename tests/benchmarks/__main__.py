"""`python -m tests.benchmarks`: measure on both engines, and print one table."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence

from tests.benchmarks import cases, discovery, exports, figures, harness, harvests, report
from tests.benchmarks.load import BenchmarkError
from tests.postgres import PostgresMissing

ENGINES = ("sqlite", "postgresql")
PARTS = ("discovery", "exports", "harvests", "pushes")
SIZES = "10000,100000"


def main() -> None:
    """Measure what the command line asks for."""
    asked = _arguments()
    facts = report.machine()
    engines = list(dict.fromkeys(asked.engine or ENGINES))
    try:
        if "discovery" in asked.only:
            _discovery(asked, facts, engines)
        if "exports" in asked.only:
            _exports(asked, facts, engines)
        if "harvests" in asked.only:
            plan = harvests.Plan(rounds=asked.rounds)
            _figures(asked, facts, engines, lambda *told: harvests.measure(told[0], plan, told[1]))
        if "pushes" in asked.only:
            _pushes(asked, facts, engines)
    except (BenchmarkError, PostgresMissing) as error:
        sys.exit(f"Nothing to report. {error}")


def _discovery(
    asked: argparse.Namespace, facts: dict[str, str | int], engines: Sequence[str]
) -> None:
    plan = discovery.Plan(
        seconds=asked.seconds, rounds=asked.rounds, sizes=asked.sizes, items=asked.batch
    )
    _figures(asked, facts, engines, lambda engine, note: discovery.measure(engine, plan, note))


def _exports(
    asked: argparse.Namespace, facts: dict[str, str | int], engines: Sequence[str]
) -> None:
    plan = exports.Plan(seconds=asked.seconds, rounds=asked.rounds, sizes=asked.sizes)
    _figures(asked, facts, engines, lambda engine, note: exports.measure(engine, plan, note))


def _figures(
    asked: argparse.Namespace,
    facts: dict[str, str | int],
    engines: Sequence[str],
    measure: Callable[[str, cases.Note], tuple[str, list[figures.Found]]],
) -> None:
    found: list[figures.Found] = []
    versions = {}
    for engine in engines:
        versions[engine], measured = measure(engine, _note(figures.NAMES[engine]))
        found += measured
    if asked.json:
        print(json.dumps([one.as_json() for one in found], indent=2))
        return
    print("\n".join([report.conditions(facts, versions), "", *figures.table(found), ""]))


def _pushes(asked: argparse.Namespace, facts: dict[str, str | int], engines: Sequence[str]) -> None:
    plan = cases.Plan(
        seconds=asked.seconds, rounds=asked.rounds, listings=asked.listings, items=asked.items
    )
    found = []
    for engine in engines:
        with harness.store(engine) as store:
            found.append(cases.measure(store, plan, _note(figures.NAMES[engine])))
    write = report.as_json if asked.json else report.as_text
    print(write(facts, plan, found))


def _note(engine: str) -> cases.Note:
    def note(text: str) -> None:
        print(f"{engine}: {text} …", file=sys.stderr, flush=True)

    return note


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument(
        "--engine", choices=ENGINES, action="append", help="only this one; may be repeated"
    )
    parser.add_argument(
        "--only", choices=PARTS, action="append", help="only this part; may be repeated"
    )
    parser.add_argument(
        "--sizes",
        type=_sizes,
        default=_sizes(os.environ.get("SIZES") or SIZES),
        help=f"listings to find things in, by commas; also $SIZES ({SIZES})",
    )
    parser.add_argument(
        "--batch", type=int, default=10_000, help="items in a batch beside them (%(default)s)"
    )
    parser.add_argument(
        "--seconds", type=_positive, default=0.5, help="for each side, read and round (%(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=3, help="of each read (%(default)s)")
    parser.add_argument("--listings", type=int, default=3_000, help="made beforehand (%(default)s)")
    parser.add_argument(
        "--items", type=int, default=1_000, help="in a batch, at most 10000 (%(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    asked = parser.parse_args()
    asked.only = asked.only or PARTS
    return asked


def _sizes(text: str) -> list[int]:
    return sorted({int(part) for part in text.replace("_", "").split(",")})


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value <= 60:
        raise argparse.ArgumentTypeError("between 0 and 60 seconds")
    return value


if __name__ == "__main__":
    main()
