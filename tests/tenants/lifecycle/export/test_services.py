"""An export leaves its company at work, survives a killed process, and is gone when its time has come."""

import io
import json
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from tasks.models import Task
from tenants.foundation.crypto import CryptoError
from tenants.foundation.errors import Conflict, NotFound
from tenants.lifecycle.export import archive, services
from tenants.lifecycle.export.catalogue import tables_of
from tenants.lifecycle.export.keeping import open_archive, path_of
from tenants.lifecycle.export.services import (
    begin_export,
    exports_of,
    read_export,
    remove_expired_exports,
    request_export,
)
from tenants.lifecycle.export.snapshot import moment_of
from tenants.lifecycle.operations import run_operation
from tenants.lifecycle.transitions import change_state
from tenants.models import Operation, Tenant
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tests.factories.tasks import make_task
from tests.fakes.killing import run_and_kill


def state_of(company: TenantRef) -> str:
    return Tenant.objects.get(pk=company.id).state


def begin(company: TenantRef) -> Operation:
    return begin_export(tenant_id=company.id, asked_by="Olga Owner-Example")


def test_a_finished_export_is_listed_and_can_be_read(company: TenantRef, export: Operation) -> None:
    (shown,) = exports_of(company.id)
    assert shown.is_ready
    assert shown.rows > 15
    content = b"".join(read_export(tenant_id=company.id, export_id=export.pk))
    assert len(content) == shown.bytes
    assert zipfile.ZipFile(io.BytesIO(content)).testzip() is None
    assert state_of(company) == "active"


def test_on_disk_an_archive_is_sealed_and_for_this_company_only(
    company: TenantRef, export: Operation
) -> None:
    path = path_of(company.id, export.pk)
    assert path.stat().st_mode & 0o077 == 0
    assert b"PK\x03\x04" not in path.read_bytes()
    other = path_of(export.pk, company.id)
    other.parent.mkdir()
    other.write_bytes(path.read_bytes())
    with pytest.raises(CryptoError):
        b"".join(open_archive(export.pk, company.id))


def test_what_is_written_meanwhile_is_not_in_it_and_not_kept_waiting(
    company: TenantRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    states: list[str] = []

    def write_beside(*args: Any) -> Any:
        states.append(state_of(company))
        with tenant_scope(company), atomic():
            make_task(title="Written while the export ran")
        return tables_of(*args)

    monkeypatch.setattr(archive, "tables_of", write_beside)
    operation = run_operation(begin(company).pk)
    assert operation.state == "succeeded"
    assert states == ["exporting"]
    content = b"".join(read_export(tenant_id=company.id, export_id=operation.pk))
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        assert len(opened.read("tables/tasks_task.ndjson").splitlines()) == 3
    with tenant_scope(company), atomic():
        assert Task.objects.count() == 4


def test_after_a_failure_the_company_is_active_and_nothing_lies_about(
    company: TenantRef, exports_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(services, "write_archive", full)
    operation = run_operation(begin(company).pk)
    assert operation.state == "undone"
    assert state_of(company) == "active"
    assert exports_of(company.id)[0].state == "failed"
    assert [each for each in exports_dir.rglob("*") if each.is_file()] == []


def test_killed_again_and_again_an_export_is_finished_by_the_next_process(
    company: TenantRef, exports_dir: Path
) -> None:
    operation = begin(company)
    for place, name in (
        ("after", "enter"),
        ("rows", "1"),
        ("rows", "25"),
        ("after", "write"),
        ("after", "leave"),
    ):
        run_and_kill(operation, place, name, EXPORTS_DIR=str(exports_dir))
    done = run_operation(operation.pk)
    assert done.state == "succeeded", done.error
    assert state_of(company) == "active"
    (shown,) = exports_of(company.id)
    content = b"".join(read_export(tenant_id=company.id, export_id=operation.pk))
    assert len(content) == shown.bytes
    assert zipfile.ZipFile(io.BytesIO(content)).testzip() is None
    assert [each.name for each in exports_dir.rglob("*") if each.is_file()] == [f"{operation.pk}.zip.sealed"]


def test_one_company_has_one_export_at_a_time(company: TenantRef) -> None:
    request_export(tenant_id=company.id, asked_by="Olga")
    with pytest.raises(Conflict):
        request_export(tenant_id=company.id, asked_by="Olga")


def test_a_suspended_company_stays_suspended_while_it_is_exported(company: TenantRef) -> None:
    change_state(company.id, Tenant.State.SUSPENDED)
    assert run_operation(begin(company).pk).state == "succeeded"
    assert state_of(company) == "suspended"


def test_a_company_suspended_during_its_export_is_not_opened_by_its_end(
    company: TenantRef, monkeypatch: pytest.MonkeyPatch
) -> None:

    def suspend(connection: Any) -> Any:
        change_state(company.id, Tenant.State.SUSPENDED)
        return moment_of(connection)

    monkeypatch.setattr(archive, "moment_of", suspend)
    assert run_operation(begin(company).pk).state == "succeeded"
    assert state_of(company) == "suspended"


def test_an_expired_export_is_removed_and_no_other(company: TenantRef, export: Operation) -> None:
    assert remove_expired_exports() == 0
    export.result["expires_at"] = (timezone.now() - timedelta(minutes=1)).isoformat()
    export.save()
    assert remove_expired_exports() == 1
    assert remove_expired_exports() == 0
    assert not path_of(company.id, export.pk).exists()
    assert exports_of(company.id)[0].state == "gone"
    with pytest.raises(NotFound):
        read_export(tenant_id=company.id, export_id=export.pk)


def test_another_companys_export_is_not_found(company: TenantRef, export: Operation) -> None:
    with pytest.raises(NotFound):
        read_export(tenant_id=export.pk, export_id=export.pk)


def test_the_command_writes_a_plain_zip_that_only_its_owner_reads(company: TenantRef, tmp_path: Path) -> None:
    out = io.StringIO()
    call_command("export_tenant", company.slug, "--to", str(tmp_path / "out"), "--json", stdout=out)
    result = json.loads(out.getvalue())
    target = Path(result["file"])
    assert target.stat().st_mode & 0o077 == 0
    with zipfile.ZipFile(target) as opened:
        assert opened.testzip() is None
        assert "manifest.json" in opened.namelist()


def exported(company: TenantRef, folder: Path) -> Path:
    out = io.StringIO()
    call_command("export_tenant", company.slug, "--to", str(folder), "--json", stdout=out)
    return Path(json.loads(out.getvalue())["file"])


def test_two_exports_of_one_minute_do_not_take_each_others_name(company: TenantRef, tmp_path: Path) -> None:
    assert len({exported(company, tmp_path) for _ in range(2)}) == 2


def test_the_zip_is_verified_with_every_file_in_it(company: TenantRef, tmp_path: Path) -> None:
    target, out = exported(company, tmp_path), io.StringIO()
    call_command("verify_document", str(target), "--json", stdout=out)
    with zipfile.ZipFile(target) as opened:
        content = {name: opened.read(name) for name in opened.namelist()}
    assert json.loads(out.getvalue())["files"] == len(content) - 1

    name = "tables/tasks_task.ndjson"
    others = {
        "changed": content | {name: content[name] + b"{}"},
        "missing": {**content},
        "not in": content | {"x": b""},
    }
    del others["missing"][name]
    for word, files in others.items():
        with zipfile.ZipFile(target, "w") as written:
            for path, data in files.items():
                written.writestr(path, data)
        with pytest.raises(CommandError, match=word):
            call_command("verify_document", str(target))
