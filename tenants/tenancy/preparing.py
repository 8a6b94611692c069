"""Everything a release needs before it may serve: databases, shared tables, the template, every tenant's schema."""

from dataclasses import dataclass

from tenants.tenancy.databases import OneAtATime, prepare_databases
from tenants.tenancy.hardening import harden_databases
from tenants.tenancy.migrations import MigrationReport, migrate_tenants
from tenants.tenancy.template import ensure_template

# A move that is at its end takes seconds; nobody may be served by a release whose schema they do not have.
MOVES_SECONDS = 60.0


@dataclass(frozen=True)
class Preparation:
    """What ``prepare`` did."""

    template_fingerprint: str
    tenants: MigrationReport


def prepare() -> Preparation:
    """Bring databases, template and tenants to this release. Safe to repeat; the migration job runs it."""
    with OneAtATime():
        prepare_databases()
        harden_databases()
        script = ensure_template()
        return Preparation(script.fingerprint, migrate_tenants(patience_seconds=MOVES_SECONDS))
