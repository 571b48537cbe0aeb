"""`python -m tests.benchmarks`: measure on both engines, and print one table."""

import argparse
import sys

from tests.benchmarks import cases, harness, report
from tests.benchmarks.load import BenchmarkError
from tests.postgres import PostgresMissing

ENGINES = ("sqlite", "postgresql")


def main() -> None:
    """Measure what the command line asks for."""
    asked = _arguments()
    plan = cases.Plan(seconds=asked.seconds, rounds=asked.rounds, listings=asked.listings)
    facts = report.machine()
    found = []
    try:
        for engine in dict.fromkeys(asked.engine or ENGINES):
            with harness.store(engine) as store:
                found.append(cases.measure(store, plan, _note(report.NAMES[engine])))
    except (BenchmarkError, PostgresMissing) as error:
        sys.exit(f"Nothing to report. {error}")
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
        "--seconds", type=_positive, default=0.5, help="for each side, read and round (%(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=3, help="of each read (%(default)s)")
    parser.add_argument("--listings", type=int, default=3_000, help="made beforehand (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    return parser.parse_args()


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value <= 60:
        raise argparse.ArgumentTypeError("between 0 and 60 seconds")
    return value


if __name__ == "__main__":
    main()
