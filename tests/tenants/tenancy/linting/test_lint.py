"""The migrations of this repository pass; landed ones may not change; exceptions are declared and listed."""

import importlib
import io
import json
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import migrations, models

from tenants.tenancy.linting.landed import LANDED, digest_of, file_of, land, landed_migrations
from tenants.tenancy.linting.lint import LintReport, lint_migrations

LAST = "tenants.migrations.0002_life_of_a_tenant"
BREAKING = migrations.RemoveField("domain", "host")


@pytest.fixture
def only_first_landed(tmp_path: Path) -> Path:
    """As if only the first migration of this app had landed, whatever has by now."""
    kept = {
        key: digest
        for key, digest in landed_migrations().items()
        if key[0] != "tenants" or key[1] == "0001_initial"
    }
    path = tmp_path / "landed.toml"
    lines = [f"{app}.{name} = '{digest}'" for (app, name), digest in kept.items()]
    path.write_text("\n".join(lines))
    return path


def refused(report: LintReport) -> set[tuple[str, str]]:
    return {(finding.migration, finding.rule) for finding in report.refused}


def test_the_migrations_of_this_repository_are_let_through() -> None:
    report = lint_migrations()
    assert report.refused == []
    assert report.landed >= 6


def test_what_has_landed_is_known_by_its_files() -> None:
    assert ("tenants", "0001_initial") in landed_migrations(LANDED)


def test_a_migration_that_breaks_the_release_before_is_refused_with_what_to_do(
    only_first_landed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migration = importlib.import_module(LAST).Migration
    monkeypatch.setattr(migration, "operations", [*migration.operations, BREAKING])
    report = lint_migrations(landed_file=only_first_landed)
    [finding] = report.refused
    assert finding.rule == "remove-field"
    assert finding.file == "tenants/migrations/0002_life_of_a_tenant.py"
    assert finding.operation == "Remove field host from domain"
    told = report.as_json()["refused"][0]
    assert "state alone" in told["instead"]


def test_an_exception_is_declared_with_its_reason_and_listed(
    only_first_landed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migration = importlib.import_module(LAST).Migration
    allows = {**migration.lint_allows, "remove-field": "not read since 1.4"}
    monkeypatch.setattr(migration, "operations", [*migration.operations, BREAKING])
    monkeypatch.setattr(migration, "lint_allows", allows)
    report = lint_migrations(landed_file=only_first_landed)
    assert report.refused == []
    assert "not read since 1.4" in [finding.reason for finding in report.allowed]


def test_an_exception_without_a_reason_or_without_need_is_refused(
    only_first_landed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migration = importlib.import_module(LAST).Migration
    monkeypatch.setattr(migration, "operations", [*migration.operations, BREAKING])
    allows = {**migration.lint_allows, "remove-field": " ", "rename": "just in case"}
    monkeypatch.setattr(migration, "lint_allows", allows)
    name = "tenants.0002_life_of_a_tenant"
    assert refused(lint_migrations(landed_file=only_first_landed)) == {
        (name, "remove-field"), (name, "allowance-without-reason"), (name, "unused-allowance"),
    }  # fmt: skip


def test_a_landed_file_that_was_edited_or_is_gone_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "landed.toml"
    path.write_text('[tenants]\n0001_initial = "0"\n0001_forgotten = "0"\n')
    found = refused(lint_migrations(landed_file=path))
    assert ("tenants.0001_initial", "landed-edited") in found
    assert ("tenants.0001_forgotten", "landed-missing") in found


def test_landing_adds_what_is_new_and_keeps_what_was_known(tmp_path: Path) -> None:
    path, first, second = tmp_path / "landed.toml", tmp_path / "a.py", tmp_path / "b.py"
    first.write_text("one")
    second.write_bytes(b"two\r\n")
    assert land({("x", "0001_a"): first}, path) == [("x", "0001_a")]
    known = digest_of(first)
    first.write_text("edited")
    assert land({("x", "0001_a"): first, ("y", "0001_b"): second}, path) == [("y", "0001_b")]
    assert landed_migrations(path)["x", "0001_a"] == known
    second.write_bytes(b"two\n")
    assert landed_migrations(path)["y", "0001_b"] == digest_of(second)


def test_a_table_of_an_earlier_migration_of_the_same_release_is_free(
    only_first_landed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Evidence comes with 0002: whatever follows before it lands may still change it."""
    migration = importlib.import_module(LAST).Migration
    more = migrations.AlterField("evidence", "summary", models.CharField(max_length=10))
    monkeypatch.setattr(migration, "operations", [*migration.operations, more])
    assert lint_migrations(landed_file=only_first_landed).refused == []


def test_the_command_says_it_in_words_and_ends_with_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    call_command("lint_migrations", "--json", stdout=out)
    assert json.loads(out.getvalue())["is_passed"] is True
    module = importlib.import_module("tenants.migrations.0001_initial")
    monkeypatch.setattr("tenants.tenancy.linting.lint.digest_of", lambda _file: "another")
    out = io.StringIO()
    with pytest.raises(CommandError, match="refused"):
        call_command("lint_migrations", stdout=out)
    assert "tenants/migrations/0001_initial.py" in out.getvalue()
    assert file_of(module.Migration("0001_initial", "tenants")).name == "0001_initial.py"
