"""How far the tenants are: per cell, per migration and per version, and who could not be migrated; changes nothing."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from tenants.models import MigrationFailure, TemplateMigration, Tenant
from tenants.tenancy.migrating.ledger import LEFT_TO_ITS_MOVE, standings
from tenants.tenancy.template import Key, tenant_plan


@dataclass(frozen=True)
class MigrationStatus:
    """The state of all tenants; :meth:`as_json` is the documented form (docs/operations.md)."""

    plan: list[Key]
    # Per cell: tenants in all, those up to date, behind, being moved, and without a schema yet.
    cells: dict[str, dict[str, int]]
    pending: dict[str, int]
    versions: list[dict[str, Any]]
    failed: list[dict[str, Any]]
    # Cells that do not answer, and what they said.
    unreachable: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """What ``manage.py migrate_tenants --status --json`` prints."""
        return {
            "migrations": len(self.plan),
            "newest": ".".join(self.plan[-1]) if self.plan else None,
            "is_up_to_date": not (self.pending or self.failed or self.unreachable),
            "cells": self.cells,
            "pending": self.pending,
            "versions": self.versions,
            "failed": self.failed,
            "unreachable": self.unreachable,
        }


def migration_status(cells: Sequence[str] | None = None) -> MigrationStatus:
    """Read ledgers and directory; a cell that does not answer is named, the others are told of all the same."""
    plan, chosen = tenant_plan(), list(cells or settings.CELLS)
    totals: dict[str, dict[str, int]] = {}
    pending: Counter[Key] = Counter()
    versions: Counter[tuple[Key, ...]] = Counter()
    found, unreachable = standings(chosen, plan)
    for cell, standing in found.items():
        moving = Tenant.objects.filter(cell=cell, state__in=LEFT_TO_ITS_MOVE, pk__in=standing.pending).count()
        totals[cell] = {
            "tenants": len(standing.up_to_date) + len(standing.pending) + len(standing.without_schema),
            "up_to_date": len(standing.up_to_date),
            "behind": len(standing.pending) - moving,
            "moving": moving,
            "without_schema": len(standing.without_schema),
        }
        for keys in standing.pending.values():
            pending.update(keys)
            versions[tuple(keys)] += 1
    up_to_date = sum(total["up_to_date"] for total in totals.values())
    return MigrationStatus(
        plan=plan,
        cells=totals,
        pending={".".join(key): pending[key] for key in plan if key in pending},
        versions=[
            {"migrations": len(plan) - len(keys), "lacks": [".".join(key) for key in keys], "tenants": many}
            for keys, many in sorted({(): up_to_date, **versions}.items(), key=lambda entry: len(entry[0]))
            if many
        ],
        failed=_failures(chosen),
        unreachable=unreachable,
    )


def _failures(cells: Sequence[str]) -> list[dict[str, Any]]:
    found = MigrationFailure.objects.select_related("tenant").filter(tenant__cell__in=cells)
    return [
        {
            "tenant": failure.tenant.slug,
            "cell": failure.tenant.cell,
            "migration": failure.migration,
            "error": failure.error,
            "runs": failure.runs,
            "failed_at": failure.failed_at.isoformat(),
        }
        for failure in found.order_by("tenant__slug")
    ]


def scripts_to_send(status: MigrationStatus) -> list[tuple[str, int, str]]:
    """What a run would send: migration, number of tenants, and its SQL or a word on what runs instead."""
    scripts = {f"{row.app}.{row.name}": row for row in TemplateMigration.objects.filter(sql__isnull=False)}
    return [
        (
            name,
            many,
            scripts[name].sql or "" if name in scripts else "-- runs Python in each company's schema",
        )
        for name, many in status.pending.items()
    ]
