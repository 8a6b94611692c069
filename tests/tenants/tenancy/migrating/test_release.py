"""A whole release: new migrations of every kind reach the template, then the companies, and both end up the same."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import override_settings

import tenants.outbox.migrations as package
from tenants.models import TemplateMigration, TemplateScript, Tenant
from tenants.outbox.models import Subscriber
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tenants.tenancy.audit import audit_schemas
from tenants.tenancy.databases import owner_connection
from tenants.tenancy.template import SCHEMA, ensure_template
from tests.companies import create_company, drop_company

FILES = {
    "0002_add": """
from django.db import migrations, models
class Migration(migrations.Migration):
    dependencies = [("outbox", "0001_initial")]
    operations = [
        migrations.AddField("subscriber", "note", models.CharField(max_length=20, db_default="new")),
        migrations.CreateModel("Extra", [
            ("id", models.BigAutoField(primary_key=True)),
            ("subscriber", models.ForeignKey("outbox.Subscriber", models.CASCADE)),
        ], options={"constraints": [models.CheckConstraint(condition=models.Q(id__gt=0), name="extra_positive")]}),
    ]
""",
    "0003_index": """
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
class Migration(migrations.Migration):
    atomic = False
    dependencies = [("outbox", "0002_add")]
    operations = [AddIndexConcurrently("subscriber", models.Index(fields=["note"], name="subscriber_by_note"))]
""",
    "0004_fill": """
from django.db import migrations
def fill(apps, schema_editor):
    rows = apps.get_model("outbox", "Subscriber").objects.using(schema_editor.connection.alias)
    rows.update(note="filled")
class Migration(migrations.Migration):
    dependencies = [("outbox", "0003_index")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
""",
    "0005_sql": """
from django.db import migrations
class Migration(migrations.Migration):
    dependencies = [("outbox", "0004_fill")]
    operations = [migrations.RunSQL([
        ("UPDATE outbox_subscriber SET note = note || %s", ["; it's 100%"]),
    ], migrations.RunSQL.noop)]
""",
}


@pytest.fixture
def companies_of_before(committed_tenant: TenantRef) -> Iterator[list[Tenant]]:
    """Two companies with a row each, made before the release."""
    second = create_company()
    both = [Tenant.objects.get(pk=committed_tenant.id), second]
    for one in both:
        with tenant_scope(one.ref), atomic():
            Subscriber.objects.create(name="old")
    yield both
    drop_company(second)


@pytest.fixture
def release(
    companies_of_before: list[Tenant], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[Tenant]]:
    """The next release's migrations are there until the test ends; then the template is what it was."""
    folder = tmp_path / "outbox_of_next_release"
    folder.mkdir()
    (folder / "__init__.py").touch()
    first = Path(next(iter(package.__path__))) / "0001_initial.py"
    (folder / first.name).write_bytes(first.read_bytes())
    for name, text in FILES.items():
        (folder / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    with override_settings(MIGRATION_MODULES={"outbox": folder.name}):
        yield companies_of_before
    TemplateMigration.objects.filter(app="outbox", name__in=FILES).delete()
    newest = TemplateScript.objects.order_by("-created_at").first()
    if newest is not None and any(name in FILES for _, name in newest.migrations):
        newest.delete()
        with owner_connection("template") as owner:
            owner.execute(f"DROP SCHEMA {SCHEMA} CASCADE")
    ensure_template()


def command(*arguments: str) -> str:
    out = io.StringIO()
    call_command("migrate_tenants", *arguments, stdout=out)
    return out.getvalue()


def test_a_release_reaches_companies_that_were_there_and_those_that_come_after(release: list[Tenant]) -> None:
    names = [f"--tenant={tenant.slug}" for tenant in release]
    shown = command("--dry-run", "--cell", "cell_1")
    assert 'CREATE INDEX CONCURRENTLY "subscriber_by_note"' in shown
    assert "runs Python" in shown
    assert TemplateMigration.objects.get(name="0003_index").is_atomic is False
    assert TemplateMigration.objects.get(name="0004_fill").sql is None
    status = json.loads(command("--status", "--json"))
    assert list(status["pending"]) == [f"outbox.{name}" for name in FILES]
    done = json.loads(command("--json", *names))
    assert sorted(done["migrated"]) == sorted(tenant.slug for tenant in release)
    for tenant in release:
        with tenant_scope(tenant.ref), atomic():
            [row] = Subscriber.objects.extra(select={"note": "note"}).values_list("note", flat=True)
            assert row == "filled; it's 100%"
    newcomer = create_company()
    try:
        report = audit_schemas(["cell_1"])
        assert report.drift == []
        assert report.schemas >= 3
        assert newcomer.slug not in report.behind
    finally:
        drop_company(newcomer)


def test_the_command_refuses_what_it_does_not_know(
    databases: None, companies_of_before: list[Tenant]
) -> None:
    for wrong in (
        ["--cell", "cell_x"],
        ["--tenant", "nobody-there"],
        ["--workers", "0"],
        ["--stop-after", "0"],
    ):
        with pytest.raises(CommandError):
            command(*wrong)
