"""The tenant template: migrated by Django in a small database of its own, kept as SQL for everybody else."""

import hashlib
import os
import re
import subprocess
from pathlib import Path

import structlog
from django.conf import settings
from django.core.management import call_command
from django.db import connections, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.migration import Migration
from django.db.migrations.operations.base import Operation

from tenants.foundation.errors import Conflict
from tenants.models import TemplateMigration, TemplateScript, Tenant
from tenants.tenancy.databases import owner_connection
from tenants.tenancy.router import tenant_app_labels

log = structlog.get_logger(__name__)
ALIAS, SCHEMA = "template", "tenant_template"
Key = tuple[str, str]


def ensure_template() -> TemplateScript:
    """Bring the template to this release's migrations and store it as a script.

    Each migration is rendered to SQL just before it is applied (some name their constraints by looking at the
    database), so existing tenants get exactly the same statements.
    """
    with owner_connection(ALIAS) as connection:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
    plan = tenant_plan()
    fingerprint = fingerprint_of(plan)
    known = TemplateScript.objects.filter(fingerprint=fingerprint).first()
    is_built = _is_built(plan)
    if known and is_built:
        return known
    if is_built:
        # A migration's file was edited after it had been applied here: only building anew shows what it says now.
        log.warning("template.rebuilt")
        with owner_connection(ALIAS) as connection:
            connection.execute(f"DROP SCHEMA {SCHEMA} CASCADE")
            connection.execute(f"CREATE SCHEMA {SCHEMA}")
    _apply(plan)
    script = TemplateScript(
        fingerprint=fingerprint, sql=clean_dump(dump_schema()), migrations=[list(key) for key in plan]
    )
    with transaction.atomic(using="default"):
        TemplateScript.objects.filter(fingerprint=fingerprint).delete()
        script.save()
    log.info("template.built", migrations=len(plan), bytes=len(script.sql))
    return script


def current_script() -> TemplateScript:
    """The newest stored script.

    Raises: Conflict when the template has not been built (``manage.py prepare``).
    """
    script = TemplateScript.objects.order_by("-created_at").first()
    if script is None:
        raise Conflict("There is no tenant template yet: run “manage.py prepare”.")
    return script


def tenant_plan() -> list[Key]:
    """Every migration of the tenants' apps, in the order in which they apply."""
    loader = MigrationLoader(None)
    labels = tenant_app_labels()
    order: list[Key] = []
    for node in sorted(loader.graph.leaf_nodes()):
        for key in loader.graph.forwards_plan(node):
            if key[0] in labels and key not in order:
                order.append(key)
    return order


def fingerprint_of(plan: list[Key]) -> str:
    """A hash over the migrations and their code: equal fingerprints build equal schemas."""
    loader = MigrationLoader(None)
    digest = hashlib.sha256()
    for key in plan:
        module = type(loader.disk_migrations[key]).__module__
        source = Path(__import__(module, fromlist=["x"]).__file__ or "")
        digest.update(f"{key}".encode() + source.read_bytes())
    return digest.hexdigest()


def _is_built(plan: list[Key]) -> bool:
    connection = connections[ALIAS]
    applied = set(MigrationLoader(connection).applied_migrations)
    connection.close()
    return set(plan) <= applied


def _apply(plan: list[Key]) -> None:
    connection = connections[ALIAS]
    executor = MigrationExecutor(connection)
    targets = executor.loader.graph.leaf_nodes()
    labels = tenant_app_labels()
    pending = [m for m, _ in executor.migration_plan(targets) if m.app_label in labels]
    known = set(TemplateMigration.objects.values_list("app", "name"))
    is_new = len(pending) == len(plan)
    # Nobody needs the single migrations of a template that is new together with everything else.
    if not is_new or (Tenant.objects.exists() and not known.issuperset(plan)):
        for migration in pending:
            key = (migration.app_label, migration.name)
            if not is_new or key not in known:
                _remember(migration, plan.index(key), render(executor, migration))
            executor.migrate([key])
            executor.loader.build_graph()
    call_command("migrate", database=ALIAS, interactive=False, verbosity=0)
    for position, key in enumerate(plan):
        if not TemplateMigration.objects.filter(app=key[0], name=key[1]).exists():
            _remember(executor.loader.graph.nodes[key], position, None)
    connection.close()


def render(executor: MigrationExecutor, migration: Migration) -> str | None:
    """The SQL of one migration, or None when it holds Python that must run per tenant."""
    if any(runs_python(operation) for operation in migration.operations):
        return None
    statements = executor.loader.collect_sql([(migration, False)])
    return "\n".join(line for line in statements if line not in ("BEGIN;", "COMMIT;"))


def runs_python(operation: Operation) -> bool:
    """Whether an operation, or one wrapped in it, has to run in each tenant; Django itself asks the outer one only."""
    inner = getattr(operation, "database_operations", [])
    return not operation.reduces_to_sql or any(runs_python(part) for part in inner)


def _remember(migration: Migration, position: int, sql: str | None) -> None:
    row = TemplateMigration.objects.filter(app=migration.app_label, name=migration.name).first()
    if row is None:
        row = TemplateMigration(
            app=migration.app_label, name=migration.name, position=_free_position(position)
        )
    row.sql, row.is_atomic = sql, migration.atomic
    row.save()


def _free_position(position: int) -> int:
    while TemplateMigration.objects.filter(position=position).exists():
        position += 1
    return position


def dump_schema() -> str:
    """The template's schema as pg_dump writes it.

    Raises: Conflict with pg_dump's words.
    """
    parts = settings.DATABASES[ALIAS]
    command = [
        str(settings.POSTGRES_BIN / "pg_dump"), "--schema-only", "--no-owner", "--no-privileges", f"--schema={SCHEMA}",
        f"--host={parts['HOST']}", f"--port={parts['PORT']}", f"--username={parts['USER']}", parts["NAME"],
    ]  # fmt: skip
    done = subprocess.run(  # noqa: S603 - the program and its arguments are ours
        command,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PGPASSWORD": parts["PASSWORD"]},
    )
    if done.returncode:
        raise Conflict(f"The template could not be dumped: {done.stderr.strip()}")
    return done.stdout


def clean_dump(text: str) -> str:
    """A dump as one script: without psql's own commands, session settings and Django's migration table."""
    kept: list[str] = []
    for statement in re.split(r"\n\n+(?=--|[A-Z])", text):
        lines = [line for line in statement.splitlines() if line and not line.startswith(("--", "\\"))]
        body = "\n".join(
            line for line in lines if not re.match(r"(SET |SELECT pg_catalog\.set_config)", line)
        )
        if body and "django_migrations" not in body and not body.startswith("CREATE SCHEMA"):
            kept.append(body)
    return "\n".join(kept)
