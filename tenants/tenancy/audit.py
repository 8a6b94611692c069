"""The audit of schemas: every tenant's and every spare's is what the template says, or what differs is named."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psycopg
import structlog
from django.conf import settings
from django.utils import timezone

from tenants.models import Evidence, Operation, SpareSchema, Tenant
from tenants.tenancy.auditing.description import Expected, describe, expected
from tenants.tenancy.auditing.metrics import AUDITED_AT, BEHIND, DIFFERING
from tenants.tenancy.databases import owner_connection
from tenants.tenancy.migrating.ledger import pending_migrations
from tenants.tenancy.template import current_script, tenant_plan

log = structlog.get_logger(__name__)
FINGERPRINTS = (Path(__file__).parent / "auditing" / "fingerprints.sql").read_text()
# So many schemas are fingerprinted by one query: it holds all their facts at once.
BATCH = 500
# Differences told of one schema; a schema that is something else altogether has hundreds.
MOST = 50
# Names in one line of the log.
NAMED = 10
# Their rights, triggers or schema are changed for a while on purpose; a move's triggers are there long before its end.
UNDER_WORK = frozenset({Tenant.State.MOVING})


@dataclass(frozen=True)
class Place:
    """A schema to look at: whose it is, for people, and its names."""

    owner: str
    schema: str
    role: str


@dataclass(frozen=True)
class Drift:
    """Schemas that differ from the template in the same way: whose they are (or ``spare <schema>``), and how."""

    schemas: list[str]
    differences: list[str]


@dataclass
class AuditReport:
    """What an audit found."""

    schemas: int = 0
    # How many different fingerprints there were: each was compared with the template once.
    kinds: int = 0
    drift: list[Drift] = field(default_factory=list)
    # Lacking a migration by the ledger: not comparable with the template until they have it.
    behind: list[str] = field(default_factory=list)
    # Being moved.
    left_out: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def is_passed(self) -> bool:
        """Whether no schema differs; one that is behind is not an unknown difference."""
        return not self.drift

    @property
    def differing(self) -> int:
        """How many schemas differ."""
        return sum(len(drift.schemas) for drift in self.drift)

    @property
    def summary(self) -> str:
        """One sentence for lists of evidence."""
        said = f"{self.schemas} schemas compared with the template, {self.differing} differ"
        return f"{said}, {len(self.behind)} lack migrations." if self.behind else f"{said}."


def audit_schemas(cells: Sequence[str] | None = None, *, is_evidence: bool = True) -> AuditReport:
    """Compare every schema of ``cells`` (of all) with the template; written down as evidence unless told otherwise.

    The whole platform's audit also sets the metrics.

    Raises: Conflict when there is no template.
    """
    began, started_at, report = time.monotonic(), timezone.now(), AuditReport()
    wanted: dict[str, Expected] = {}
    for cell in cells or settings.CELLS:
        login = settings.DATABASES[cell]["USER"]
        if login not in wanted:
            wanted[login] = expected(login)
        _audit_cell(cell, wanted[login], report)
    report.seconds = round(time.monotonic() - began, 3)
    if cells is None:
        DIFFERING.set(report.differing)
        BEHIND.set(len(report.behind))
        AUDITED_AT.set_to_current_time()
    if is_evidence:
        Evidence.objects.create(
            kind=Evidence.Kind.SCHEMA_AUDIT, is_passed=report.is_passed, summary=report.summary,
            report=asdict(report), started_at=started_at,
        )  # fmt: skip
    for drift in report.drift:
        log.error(
            "schemas.drifted",
            many=len(drift.schemas),
            schemas=drift.schemas[:NAMED],
            differences=drift.differences[:NAMED],
        )
    if not report.drift:
        log.info("schemas.audited", schemas=report.schemas, kinds=report.kinds, seconds=report.seconds)
    return report


def _audit_cell(cell: str, wanted: Expected, report: AuditReport) -> None:
    places, spares = _places(cell, report), _spares(cell)
    with owner_connection(f"{cell}_owner") as connection:
        prints: dict[tuple[object, ...], list[Place]] = {}
        everything = [*places, *spares]
        for start in range(0, len(everything), BATCH):
            batch = everything[start : start + BATCH]
            found = _fingerprints(connection, batch)
            for place in batch:
                if place.schema in found:
                    prints.setdefault(found[place.schema], []).append(place)
                else:
                    report.drift.append(Drift([place.owner], [f"schema {place.schema} does not exist"]))
        for alike in prints.values():
            differences = wanted.differences(_described(connection, alike[0]))
            if differences:
                more = len(differences) - MOST
                told = differences[:MOST] + ([f"and {more} more"] if more > 0 else [])
                report.drift.append(Drift([place.owner for place in alike], told))
    report.schemas += len(everything)
    report.kinds += len(prints)


def _places(cell: str, report: AuditReport) -> list[Place]:
    """The schemas of a cell's tenants that can be compared; the others go to the report."""
    pending = pending_migrations(cell, tenant_plan())
    places: list[Place] = []
    moves = Operation.objects.filter(kind=Operation.Kind.MOVE, state__in=Operation.OPEN)
    moving = set(moves.values_list("tenant_id", flat=True))
    tenants = Tenant.objects.filter(cell=cell).exclude(state=Tenant.State.DELETED).order_by("slug")
    for tenant in tenants:
        if tenant.state in UNDER_WORK or tenant.pk in moving:
            report.left_out.append(tenant.slug)
        elif tenant.pk in pending:
            report.behind.append(tenant.slug)
        elif tenant.state != Tenant.State.PROVISIONING:
            places.append(Place(tenant.slug, tenant.schema, tenant.role))
    return places


def _spares(cell: str) -> list[Place]:
    """Spares of this release; the refill drops the others."""
    spares = SpareSchema.objects.filter(cell=cell, fingerprint=current_script().fingerprint)
    names = spares.order_by("schema").values_list("schema", "role")
    return [Place(f"spare {schema}", schema, role) for schema, role in names]


def _fingerprints(
    connection: psycopg.Connection[tuple[object, ...]], places: Sequence[Place]
) -> Mapping[str, tuple[object, ...]]:
    rows = connection.execute(
        FINGERPRINTS, [[place.schema for place in places], [place.role for place in places]]
    ).fetchall()
    connection.rollback()
    return {str(schema): tuple(rest) for schema, *rest in rows}


def _described(
    connection: psycopg.Connection[tuple[object, ...]], place: Place
) -> dict[tuple[str, str], str]:
    found = describe(connection, place.schema, place.role)
    connection.rollback()
    return found
