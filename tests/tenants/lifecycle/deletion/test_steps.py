"""A deleted company is gone from everywhere, its neighbour is untouched, and a signed certificate says so."""

import json
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.conf import settings
from django.core import mail
from django.core.management import call_command
from pytest_django import Settings

from tenants.foundation.crypto import CryptoError
from tenants.foundation.errors import Conflict, ExternalServiceError
from tenants.foundation.signing import SignedDocument
from tenants.lifecycle.deletion import inventory, steps
from tenants.lifecycle.deletion.services import begin_deletion, request_deletion
from tenants.lifecycle.export.keeping import folder_of
from tenants.lifecycle.operations import run_operation, steps_of
from tenants.lifecycle.platform import PLATFORM_SCHEDULES
from tenants.models import (
    DataKey,
    DeletionCertificate,
    DeletionRequest,
    Domain,
    MigrationLedger,
    Operation,
    Tenant,
    TenantQueue,
    WorkItem,
)
from tenants.secrets.keys import data_keys, forget_keys
from tenants.secrets.signing import verify_document
from tenants.tenancy import TenantRef, atomic, cell_scope
from tenants.tenancy.databases import owner_connection
from tests.companies import create_company, drop_company
from tests.factories.companies import FILES
from tests.fakes.killing import run_and_kill
from tests.tenants.lifecycle.deletion.conftest import standing_of, valkey

ASKER = "Adele Asker-Example"


def begun(company: TenantRef) -> Operation:
    request_deletion(tenant_id=company.id, asked_by=ASKER, asked_as="owner", confirm=company.slug)
    return begin_deletion(tenant_id=company.id, asked_by="Notion Task Sync", at_once=True)


def mentions(company: TenantRef) -> list[str]:
    """Tables of the control plane and the cells in which the company's slug, name or an owner's address stands."""
    found = []
    words = [company.slug, f"owner@{company.slug}.example", ASKER]
    for alias in ("default_owner", *(f"{cell}_owner" for cell in settings.CELLS)):
        with owner_connection(alias) as connection:
            tables = connection.execute(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
            ).fetchall()
            for (table,) in tables:
                for word in words:
                    row = connection.execute(
                        f'SELECT count(*) FROM "{table}" r WHERE strpos(r::text, %s) > 0',
                        [word],
                    ).fetchone()
                    if row and row[0]:
                        found.append(f"{alias} {table} {word}")
    return found


def assert_gone(company: TenantRef) -> None:
    for cell in settings.CELLS:
        with owner_connection(f"{cell}_owner") as connection:
            for query, name in (
                ("SELECT 1 FROM pg_namespace WHERE nspname = %s", company.schema),
                ("SELECT 1 FROM pg_roles WHERE rolname = %s", company.role),
            ):
                assert connection.execute(query, [name]).fetchone() is None
        with cell_scope(cell), atomic():
            for model in (WorkItem, TenantQueue, MigrationLedger):
                assert not model.objects.filter(tenant_id=company.id).exists()
    assert not Domain.objects.filter(tenant_id=company.id).exists()
    assert not folder_of(company.id).exists()
    assert not (settings.VAR_DIR / f"files-test-{settings.WORKER}" / str(company.id)).exists()
    assert valkey().keys(f"*{company.id}*") == []
    for key in DataKey.objects.filter(tenant_id=company.id):
        assert (key.state, bytes(key.wrapped), key.kek_id) == ("destroyed", b"", "")
    tombstone = Tenant.objects.get(pk=company.id)
    assert (tombstone.state, tombstone.name) == ("deleted", "Deleted company")
    assert mentions(company) == []


def test_it_is_gone_from_everywhere_and_the_neighbour_is_as_before(
    company: TenantRef, neighbour: TenantRef
) -> None:
    before = standing_of(neighbour)
    assert before.work
    assert before.cached
    assert before.files == FILES
    done = run_operation(begun(company).pk)
    assert done.state == "succeeded", done.error
    assert_gone(company)
    assert standing_of(neighbour) == before


def test_what_its_keys_sealed_can_be_read_by_nobody(company: TenantRef) -> None:
    version, _key = data_keys().active(company.id)
    run_operation(begun(company).pk)
    with pytest.raises(CryptoError):
        data_keys().of_version(company.id, version)
    forget_keys()
    with pytest.raises(CryptoError):
        data_keys().active(company.id)


def test_the_wrapped_key_is_not_left_in_the_tables_file(company: TenantRef) -> None:
    where = "SELECT pg_relation_filepath('tenants_datakey')"
    with psycopg.connect(settings.ADMIN_URLS["default_owner"], autocommit=True) as connection:
        before = connection.execute(where).fetchone()
        run_operation(begun(company).pk)
        after = connection.execute(where).fetchone()
        assert before
        assert after != before  # written anew, without its rows' former versions
        left = connection.execute("SELECT pg_read_binary_file(%s, true)", before).fetchone()
    assert left is not None
    assert not left[0]


def test_the_certificate_says_what_was_deleted_and_nothing_of_its_content(company: TenantRef) -> None:
    rows = standing_of(company).rows
    run_operation(begun(company).pk)
    signed = steps.certificate_of(company.id)
    verify_document(signed)
    document: dict[str, Any] = dict(signed.document)
    assert document["company_id"] == str(company.id)
    assert document["asked_as"] == "owner"
    assert document["deleted"]["rows"] == {name: int(text.partition(":")[0]) for name, text in rows.items()}
    assert document["deleted"]["exports"] == 1
    assert document["deleted"]["files"] == len(FILES)
    assert document["deleted"]["shared_rows"]["tenants_workitem"] > 0
    keys = DataKey.objects.filter(tenant_id=company.id).values_list("pk", flat=True)
    assert [each["id"] for each in document["destroyed_keys"]] == [str(key) for key in keys]
    assert company.slug not in json.dumps(document)
    letter = mail.outbox[-1]
    assert letter.to == [f"owner@{company.slug}.example"]
    _name, enclosed, _kind = letter.attachments[0]
    assert SignedDocument.from_json(json.loads(enclosed)) == signed


def test_the_certificate_says_until_when_backups_hold_the_rows(
    company: TenantRef, settings: Settings, tmp_path: Path
) -> None:
    schedules = dict(PLATFORM_SCHEDULES)
    assert schedules["platform.backup_full"] == inventory.FULL_BACKUP_EVERY
    assert schedules["platform.prune_backups"] == inventory.REMOVAL_EVERY
    settings.BACKUP_DIR, settings.BACKUP_KEEP_DAYS = tmp_path, 14
    run_operation(begun(company).pk)
    document = steps.certificate_of(company.id).document
    kept = datetime.fromisoformat(document["backups_until"]) - datetime.fromisoformat(document["deleted_at"])
    assert kept == timedelta(days=16)
    assert "Backups of the servers still hold the rows until" in str(mail.outbox[-1].body)


def test_nobody_gets_the_address_again_until_an_operator_releases_it(company: TenantRef) -> None:
    run_operation(begun(company).pk)
    with pytest.raises(Conflict):
        create_company(company.slug)
    call_command("delete_tenant", company.slug, "--release-name", stdout=StringIO())
    drop_company(create_company(company.slug))


def test_killed_at_every_step_one_after_the_other_it_is_finished_by_the_next_process(
    company: TenantRef, neighbour: TenantRef, exports_dir: Any
) -> None:
    before = standing_of(neighbour)
    operation = begun(company)
    names = [step.name for step in steps_of(steps.KIND)]
    for place, name in [("before", names[0]), *(("after", name) for name in names)]:
        run_and_kill(operation, place, name, EXPORTS_DIR=str(exports_dir))
        operation.refresh_from_db()
        assert name not in operation.steps_done  # it may be done, but nobody wrote it down: it is done again
    done = run_operation(operation.pk)
    assert done.state == "succeeded", done.error
    assert_gone(company)
    assert standing_of(neighbour) == before
    verify_document(steps.certificate_of(company.id))
    assert DeletionRequest.objects.get(tenant_id=company.id).done_at is not None


def test_a_mail_server_that_is_away_holds_up_the_letter_and_nothing_else(
    company: TenantRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = begun(company)
    mail.outbox.clear()

    def away(*_: Any, **__: Any) -> None:
        raise ExternalServiceError("The mail server did not answer.", service="mail", is_transient=True)

    with monkeypatch.context() as patched:
        patched.setattr(steps, "send", away)
        waiting = run_operation(operation.pk)
        assert waiting.state == "running"
        assert Tenant.objects.get(pk=company.id).state == "deleted"
        assert DeletionCertificate.objects.filter(tenant_id=company.id).exists()
    Operation.objects.filter(pk=operation.pk).update(lease_expires_at=None, lease_token=None)
    assert run_operation(operation.pk).state == "succeeded"
    assert [letter.to for letter in mail.outbox] == [[f"owner@{company.slug}.example"]]
    assert_gone(company)


def test_one_that_was_called_off_in_between_is_not_deleted(company: TenantRef) -> None:
    before = standing_of(company)
    operation = begun(company)
    Tenant.objects.filter(pk=company.id).update(state="active")
    assert run_operation(operation.pk).state == "undone"
    assert standing_of(company) == before
    assert DeletionRequest.objects.get(tenant_id=company.id).begun_at is None


def test_a_request_for_another_company_deletes_nothing(company: TenantRef) -> None:
    before = standing_of(company)
    operation = begun(company)
    DeletionRequest.objects.filter(tenant_id=company.id).update(tenant_id=uuid4())
    assert run_operation(operation.pk).state == "undone"
    assert standing_of(company) == before
    DeletionRequest.objects.filter(pk=operation.input["request_id"]).delete()


def test_the_command_asks_for_it_keeps_it_and_carries_it_out(company: TenantRef) -> None:
    def run(*words: str) -> dict[str, Any]:
        out = StringIO()
        call_command("delete_tenant", company.slug, *words, "--json", stdout=out)
        answer: dict[str, Any] = json.loads(out.getvalue())
        return answer

    assert run("--confirm", company.slug)["state"] == "pending_deletion"
    assert run("--cancel")["state"] == "active"
    done = run("--confirm", company.slug, "--now")
    assert done["state"] == "deleted"
    verify_document(SignedDocument.from_json(done["certificate"]))
    out = StringIO()
    listed = StringIO()
    call_command("deletion_certificate", "--json", stdout=listed)
    assert str(company.id) in [row["company"] for row in json.loads(listed.getvalue())]
    call_command("deletion_certificate", str(company.id), stdout=out)
    assert json.loads(out.getvalue()) == done["certificate"]
