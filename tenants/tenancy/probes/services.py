"""Runs every probe in a cell: once as code of the product would, once with nobody reading the statements first."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import structlog
from django.conf import settings
from django.utils import timezone

from tenants.models import Evidence
from tenants.tenancy.databases import owner_connection
from tenants.tenancy.hardening import faults
from tenants.tenancy.probes import reading, roles, server, writing
from tenants.tenancy.probes.attack import Outcome, attempt
from tenants.tenancy.probes.bench import Bench, bench
from tenants.tenancy.probes.probe import Alone, Family, Probe

log = structlog.get_logger(__name__)
FAMILIES: tuple[Family, ...] = (*reading.FAMILIES, *roles.FAMILIES, *server.FAMILIES, *writing.FAMILIES)
# Functions that would run with more rights than the tenant who calls them.
AS_THEIR_MAKER = """
SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE p.prosecdef AND p.prorettype <> 'trigger'::regtype
  AND has_function_privilege(%s, p.oid, 'EXECUTE') AND has_schema_privilege(%s, n.oid, 'USAGE')
"""
NAMED = 5


@dataclass(frozen=True, slots=True)
class Leak:
    """Where a wall is down: ``wall`` is ``both`` when the attack got through, else the one that did not hold alone."""

    cell: str
    family: str
    probe: str
    wall: str
    evidence: list[str]


@dataclass(frozen=True, slots=True)
class Walls:
    """What stopped one probe: our reading of statements or an SQLSTATE; and what the database did alone."""

    cell: str
    family: str
    probe: str
    refused_by: str
    database_alone: str


@dataclass
class ProbeReport:
    """What a run found; ``refused`` counts the probes that got, changed and left nothing."""

    probes: int = 0
    refused: int = 0
    leaks: list[Leak] = field(default_factory=list)
    walls: list[Walls] = field(default_factory=list)

    @property
    def is_passed(self) -> bool:
        """Whether every wall stands."""
        return self.probes > 0 and not self.leaks

    @property
    def summary(self) -> str:
        """The run in a sentence."""
        alone = sum(wall.database_alone not in (Alone.CANNOT, "open") for wall in self.walls)
        return (
            f"{self.refused} of {self.probes} attacks came to nothing, {alone} of them by the database alone;"
            f" {len(self.leaks)} leaks"
        )

    def as_json(self) -> dict[str, Any]:
        """The report as the command prints it."""
        return {
            "probes": self.probes,
            "refused": self.refused,
            "leaks": [asdict(leak) for leak in self.leaks],
            "walls": [asdict(wall) for wall in self.walls],
        }


def probe_isolation(
    cells: Sequence[str] | None = None, *, families: Iterable[Family] | None = None, is_recorded: bool = False
) -> ProbeReport:
    """Attack the walls of every cell (or of ``cells``) ; ``is_recorded`` keeps what came of it as evidence.

    Raises: Conflict while another run is on in a cell, or when there is no tenant template yet.
    """
    started_at, report = timezone.now(), ProbeReport()
    for cell in settings.CELLS if cells is None else cells:
        with bench(cell) as opened:
            for family in FAMILIES if families is None else families:
                for probe in family.probes:
                    _try(opened, family, probe, report)
            _look_at_rights(opened, report)
    if is_recorded:
        Evidence.objects.create(
            kind=Evidence.Kind.ISOLATION_PROBE, is_passed=report.is_passed, summary=report.summary,
            report=report.as_json(), started_at=started_at,
        )  # fmt: skip
    note = log.info if report.is_passed else log.error
    note("isolation.probed", probes=report.probes, refused=report.refused, leaks=len(report.leaks))
    return report


def _try(opened: Bench, family: Family, probe: Probe, report: ProbeReport) -> None:
    cell = opened.mine.cell
    through = attempt(opened, probe, is_read=True)
    report.probes += 1
    got_through = _evidence(through, may_answer=probe.is_answered)
    if got_through:
        report.leaks.append(Leak(cell, family.name, probe.name, "both", got_through))
    else:
        report.refused += 1
    if probe.alone is Alone.CANNOT:
        # Nothing would be learnt from it, and what it changes would stay.
        held_alone = Alone.CANNOT.value
    else:
        alone = attempt(opened, probe, is_read=False)
        is_down = _evidence(alone, may_answer=probe.alone is Alone.SHOWS_NOTHING)
        if is_down and not got_through:
            report.leaks.append(Leak(cell, family.name, probe.name, "database", is_down))
        held_alone = alone.refused_by or "open"
    report.walls.append(Walls(cell, family.name, probe.name, through.refused_by or "nobody", held_alone))


def _evidence(outcome: Outcome, *, may_answer: bool) -> list[str]:
    if outcome.evidence:
        return list(outcome.evidence)
    return [] if outcome.refused_by or may_answer else ["it was carried out"]


def _look_at_rights(opened: Bench, report: ProbeReport) -> None:
    """What no attack finds out by itself: rights that differ, and functions that lend their maker's."""
    cell, role = opened.mine.cell, opened.mine.role
    with owner_connection(f"{cell}_owner") as owner:
        rights = [fault.sentence for fault in faults(owner, f"{cell}_owner")]
        lent = [str(name) for (name,) in owner.execute(AS_THEIR_MAKER, [role, role]).fetchall()]
    for name, found in (("rights of the database", rights), ("functions that run as their maker", lent)):
        report.probes += 1
        if found:
            evidence = found[:NAMED] + ([f"and {len(found) - NAMED} more"] if len(found) > NAMED else [])
            report.leaks.append(Leak(cell, "the catalogs", name, "database", evidence))
        else:
            report.refused += 1
