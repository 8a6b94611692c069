"""The operators' page of a restore: the moments there are, mistakes beside their fields, what comes of it."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from tenants.lifecycle.operations import start_operation
from tenants.lifecycle.restoring import services
from tenants.models import Backup, DeletionCertificate, Evidence, Operation, SigningKey, Tenant
from tenants.secrets.signing import sign_document
from tenants.tenancy import TenantRef

type TextOf = Callable[..., str]


@pytest.fixture
def backed_up(company: Tenant, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tenant:
    """A company of three days with backups of two; reading the repository itself is another test's."""
    settings.BACKUP_DIR = tmp_path
    Tenant.objects.filter(pk=company.pk).update(created_at=timezone.now() - timedelta(days=3))
    for hours in (48, 1):
        at = timezone.now() - timedelta(hours=hours)
        Backup.objects.create(
            server="main", kind="full", state="verified", cells=["cell_1"], location="", started_at=at, finished_at=at
        )  # fmt: skip
    monkeypatch.setattr(services, "server_of", lambda cell: type("Server", (), {"name": "main"}))
    monkeypatch.setattr(services, "stored_backups", lambda *a, **k: [])
    monkeypatch.setattr(services, "newest_before", lambda *a, **k: None)
    return Tenant.objects.get(pk=company.pk)


def page_of(company: Tenant, rest: str = "restore/") -> str:
    return f"/platform/companies/{company.pk}/{rest}"


def at(hours: float) -> str:
    return f"{timezone.now() - timedelta(hours=hours):%Y-%m-%dT%H:%M}"


def test_the_page_shows_the_earliest_and_the_latest_moment_in_utc(text_of: TextOf, backed_up: Tenant) -> None:
    text = text_of(page_of(backed_up))
    earliest = timezone.now() - timedelta(hours=48)
    assert re.search(rf"Earliest \(UTC\)</dt><dd>{earliest.day} ", text)
    assert "Latest (UTC)" in text
    assert f'min="{earliest:%Y-%m-%dT}' in text


def test_a_restore_leads_to_its_operation(operator: Client, backed_up: Tenant) -> None:
    moment = at(2)
    answer = operator.post(page_of(backed_up), {"moment": moment, "confirm": "south"})
    operation = Operation.objects.get(kind="restore", tenant_id=backed_up.pk)
    assert answer["Location"] == f"/platform/operations/{operation.pk}/"
    assert operation.input == {"moment": f"{moment}:00+00:00", "keeps_access": True, "cell": ""}
    assert operation.steps_done == []
    text = operator.get(page_of(backed_up)).content.decode()
    assert "Restore is under way" in text
    assert 'name="moment"' not in text


def test_access_and_cell_of_then_are_passed_on(operator: Client, backed_up: Tenant) -> None:
    form = {"moment": at(2), "confirm": "south", "with_access": "on", "cell": "cell_2"}
    assert operator.post(page_of(backed_up), form).status_code == 302
    asked = Operation.objects.get(kind="restore").input
    assert (asked["keeps_access"], asked["cell"]) == (False, "cell_2")


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"moment": "2999-01-01T00:00"}, "Choose a moment in the past."),
        ({"moment": "2020-01-01T00:00"}, "The earliest moment is"),
        ({"moment": "yesterday"}, "Write it like"),
        ({"moment": ""}, "required"),
        ({"confirm": "north"}, "Type “south” to say that you mean it."),
        ({"cell": "default"}, "Select a valid choice"),
    ],
)
def test_a_mistake_is_said_beside_its_field_and_what_was_typed_stays(
    operator: Client, backed_up: Tenant, changed: dict[str, str], says: str
) -> None:
    moment = at(2)
    answer = operator.post(page_of(backed_up), {"moment": moment, "confirm": "south", **changed})
    text = answer.content.decode()
    (name,) = changed
    assert (answer.status_code, says in text) == (422, True)
    assert text.count('aria-invalid="true"') == 1
    assert name == "moment" or moment in text
    assert not Operation.objects.filter(kind="restore").exists()


def test_where_backups_are_off_a_sentence_says_so_and_nothing_is_offered(
    text_of: TextOf, operator: Client, company: Tenant, settings: Settings
) -> None:
    settings.BACKUP_DIR = None
    for path in (page_of(company, ""), page_of(company)):
        text = text_of(path)
        assert "backups are off" in text
        assert "Restore to a moment" not in text
        assert 'name="moment"' not in text
    refused = operator.post(page_of(company), {"moment": at(2), "confirm": "south"})
    assert refused.status_code == 422


def test_where_there_is_no_backup_yet_a_sentence_says_so(
    text_of: TextOf, company: Tenant, settings: Settings, tmp_path: Path
) -> None:
    settings.BACKUP_DIR = tmp_path
    assert "there is no backup yet" in text_of(page_of(company, ""))


def test_the_company_s_page_tells_its_last_backup_and_proved_restore(
    text_of: TextOf, backed_up: Tenant
) -> None:
    def fact(name: str) -> str:
        return text_of(page_of(backed_up, "")).partition(f"<dt>{name}</dt>")[2].partition("</div>")[0]

    assert "1 h ago" in fact("Last backup with it")
    assert "Never" in fact("Last proved restore")
    for hours, company in ((6, str(backed_up.pk)), (3, "another")):
        when = timezone.now() - timedelta(hours=hours)
        Evidence.objects.create(
            kind="restore_drill", is_passed=True, summary="", started_at=when, finished_at=when,
            report={"servers": [{"company": company}]},
        )  # fmt: skip
    assert "its own rows 6 h ago" in fact("Last proved restore")
    assert "Restore to a moment" in text_of(page_of(backed_up, ""))


def test_a_restore_is_taken_back_from_the_page(
    operator: Client, text_of: TextOf, backed_up: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = Operation.objects.create(
        kind="restore", tenant_id=backed_up.pk, tenant_slug="south", state="succeeded", finished_at=timezone.now(),
        input={"moment": "2026-11-20T10:00:00+00:00"}, result={"kept_schema": "t_before", "cell": "cell_1"},
    )  # fmt: skip
    assert "the restore can be taken back" in text_of(page_of(backed_up, ""))
    assert "20 Nov 2026 10:00:00 (UTC)" in text_of(page_of(backed_up))
    undo = page_of(backed_up, "restore/undo/")
    wrong = operator.post(undo, {"undo-confirm": "north"})
    assert (wrong.status_code, "Type “south”" in wrong.content.decode()) == (422, True)
    gone = operator.post(undo, {"undo-confirm": "south"})
    assert (gone.status_code, b"no restore that could be taken back" in gone.content) == (422, True)
    monkeypatch.setattr(services, "has_schema", lambda cell, schema: True)
    answer = operator.post(undo, {"undo-confirm": "south"})
    operation = Operation.objects.get(tenant_id=backed_up.pk, state="running")
    assert answer["Location"] == f"/platform/operations/{operation.pk}/"
    assert operation.input["takes_back"] == str(earlier.pk)


def test_nothing_can_be_restored_while_something_is_done_to_it(operator: Client, backed_up: Tenant) -> None:
    start_operation(kind="export", tenant_id=backed_up.pk, tenant_slug="south", asked_by="", values={})
    assert b"Restore to a moment" not in operator.get(page_of(backed_up, "")).content
    answer = operator.post(page_of(backed_up), {"moment": at(2), "confirm": "south"})
    assert answer.status_code == 422
    assert not Operation.objects.filter(kind="restore").exists()


def test_an_onlooker_is_kept_out_and_the_platform_stays(
    onlooker: Client, operator: Client, backed_up: Tenant, tenant: TenantRef
) -> None:
    for answer in (
        onlooker.get(page_of(backed_up)),
        onlooker.post(page_of(backed_up), {"moment": at(2), "confirm": "south"}),
        onlooker.post(page_of(backed_up, "restore/undo/"), {"undo-confirm": "south"}),
    ):
        assert answer.status_code == 403
    assert b"Restore to a moment" not in onlooker.get(page_of(backed_up, "")).content
    own = Tenant.objects.get(pk=tenant.id)
    assert b"comes back with its server only" in operator.get(page_of(own)).content
    assert operator.post(page_of(own), {"moment": at(2), "confirm": "platform"}).status_code == 422


def test_a_deleted_company_s_page_hands_out_its_certificate(
    onlooker: Client, text_of: TextOf, company: Tenant
) -> None:
    assert onlooker.get(page_of(company, "certificate.json")).status_code == 404
    assert "certificate.json" not in text_of(page_of(company, ""))
    signed = sign_document({"kind": "notion-task-sync.deletion-certificate", "company_id": str(company.pk)})
    DeletionCertificate.objects.create(
        tenant_id=company.pk, document=signed.document, signature=signed.signature,
        signed_with=SigningKey.objects.get(pk=signed.key_id),
    )  # fmt: skip
    Tenant.objects.filter(pk=company.pk).update(state="deleted")
    assert page_of(company, "certificate.json") in text_of(page_of(company, ""))
    answer = onlooker.get(page_of(company, "certificate.json"))
    assert answer.json() == signed.as_json()
    assert answer["Content-Disposition"].startswith('attachment; filename="deletion-certificate-')
