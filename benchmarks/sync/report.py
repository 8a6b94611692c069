"""What was measured as figures: per strategy and scenario, ours against each of the others, and the targets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.sync.bound import LOOK_SECONDS, Least
from benchmarks.sync.play import Played
from benchmarks.sync.stage import BUDGET, PROJECTS
from benchmarks.sync.trace import (
    FRESHNESS_OF_EDITS_SECONDS,
    FRESHNESS_SECONDS,
    Chapter,
    Side,
    Size,
)

OURS = "ours"
IMPORT = "import"
#: At least this share fewer calls than each baseline, and at most this many times the bound.
FEWER: Mapping[str, float] = {"B0": 0.90, "B1": 0.80, "B2": 0.50}
MOST_OF_BOUND = 1.10
LEAST_PAGES_PER_SECOND = 400.0


@dataclass(frozen=True)
class Strand:
    """A strategy and how it played."""

    name: str
    says: str
    played: Played


def figures(
    size: Size,
    chapters: Sequence[Chapter],
    bound: Mapping[str, Least],
    strands: Sequence[Strand],
    speed: Mapping[str, Any],
) -> dict[str, Any]:
    """Everything that is published; `bound` is the least calls by scenario."""
    by_name = {strand.name: strand for strand in strands}
    ours = by_name[OURS].played
    least = sum(part.calls for part in bound.values())
    careful = sum(part.careful for part in bound.values())
    return {
        "trace": {
            "rows": size.rows,
            "projects": PROJECTS,
            "share_of_edits": size.share,
            "freshness_seconds": {"from_there": FRESHNESS_SECONDS, "from_here": FRESHNESS_OF_EDITS_SECONDS},
            "budget_per_minute": BUDGET,
            "hours": round(chapters[-1].ends_at / 3600, 2),
            "scenarios": [_scenario(chapter) for chapter in chapters],
        },
        "least_possible": {
            "believing_every_event": least,
            "missing_nothing": careful,
            "looks_at_each_table_every_seconds": LOOK_SECONDS,
            "by_scenario": {name: [part.calls, part.careful] for name, part in bound.items()},
        },
        "strategies": {name: _strategy(strand) for name, strand in by_name.items()},
        "ours_saves": {
            name: {
                "all": _saved(ours.calls, strand.played.calls),
                "by_scenario": {
                    scenario: _saved(calls, _calls(strand.played)[scenario])
                    for scenario, calls in _calls(ours).items()
                },
            }
            for name, strand in by_name.items()
            if name != OURS
        },
        "ours_times_least": {
            "believing_every_event": round(ours.calls / least, 3),
            "missing_nothing": round(ours.calls / careful, 3),
        },
        "throughput": dict(speed),
        "targets": targets(by_name, least, speed),
    }


def targets(by_name: Mapping[str, Strand], bound: int, speed: Mapping[str, Any]) -> dict[str, bool]:
    """What was asked for, and whether it is so; `bound` is the least of whoever believes every event."""
    ours = by_name[OURS].played
    late = sum(part.late for part in ours.chapters.values())
    met = {
        "no_change_missed_or_wrong": ours.missed_or_wrong == 0,
        "no_change_late": late == 0,
        "no_refusal_for_budget": ours.refused_for_budget == 0,
        f"at_most_{MOST_OF_BOUND}_times_the_least": ours.calls <= MOST_OF_BOUND * bound,
        f"at_least_{LEAST_PAGES_PER_SECOND:.0f}_pages_per_second": (
            speed["pages_per_second"] >= LEAST_PAGES_PER_SECOND
        ),
    }
    for name, share in FEWER.items():
        met[f"at_least_{share:.0%}_fewer_than_{name}"] = (
            ours.calls <= (1 - share) * by_name[name].played.calls
        )
    return met


def table(bound: Mapping[str, Least], strands: Sequence[Strand]) -> str:
    """The calls by scenario, for the screen."""
    names = [strand.name for strand in strands]
    lines = [f"{'calls':16}" + "".join(f"{name:>9}" for name in ("least", "careful", *names))]
    for scenario, least in bound.items():
        counts = [_calls(strand.played)[scenario] for strand in strands]
        lines.append(
            f"{scenario:16}" + "".join(f"{count:>9}" for count in (least.calls, least.careful, *counts))
        )
    least_of_all = (sum(part.calls for part in bound.values()), sum(part.careful for part in bound.values()))
    totals = (*least_of_all, *(strand.played.calls for strand in strands))
    lines.append(f"{'all':16}" + "".join(f"{count:>9}" for count in totals))
    wrong = ("", "", *(strand.played.missed_or_wrong for strand in strands))
    lines.append(f"{'missed or wrong':16}" + "".join(f"{count:>9}" for count in wrong))
    return "\n".join(lines)


def _scenario(chapter: Chapter) -> dict[str, Any]:
    there = sum(change.side is Side.THERE for change in chapter.changes)
    return {
        "name": chapter.name,
        "says": chapter.says,
        "seconds": round(chapter.seconds),
        "changes_there": there,
        "changes_here": len(chapter.changes) - there,
    }


def _strategy(strand: Strand) -> dict[str, Any]:
    played = strand.played
    return {
        "says": strand.says,
        "calls": played.calls,
        "import": {"calls": played.import_calls, "seconds_of_budget": round(played.import_seconds)},
        "by_scenario": {name: part.as_json() for name, part in played.chapters.items()},
        "by_endpoint": played.by_endpoint,
        "missed_or_wrong": played.missed_or_wrong,
        "late": sum(part.late for part in played.chapters.values()),
        "refused_for_budget": played.refused_for_budget,
    }


def _calls(played: Played) -> dict[str, int]:
    return {IMPORT: played.import_calls, **{name: part.calls for name, part in played.chapters.items()}}


def _saved(ours: int, theirs: int) -> float | None:
    """The share of their calls that we do without; None where they make none either."""
    if theirs == 0:
        return 0.0 if ours == 0 else None
    return round(1 - ours / theirs, 3)
