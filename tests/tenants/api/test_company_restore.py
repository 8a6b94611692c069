"""Restores by the operators' API: which moments there are, what is refused, and what the workers are asked to do."""

from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from tenants.backups.errors import BackupBroken, NoBackup
from tenants.lifecycle.restoring import services
from tenants.models import Backup, Evidence, Operation, Tenant
from tenants.tenancy import TenantRef


@pytest.fixture
def backed_up(other_tenant: TenantRef, settings: Settings, tmp_path: Path) -> Tenant:
    """A company of three days, of whose server there are backups of since."""
    settings.BACKUP_DIR = tmp_path
    Tenant.objects.filter(pk=other_tenant.id).update(created_at=timezone.now() - timedelta(days=3))
    backup(hours=90)
    backup(hours=48)
    backup(hours=1)
    backup(hours=0.5, state="failed")
    backup(hours=0.2, cells=["cell_2"])
    return Tenant.objects.get(pk=other_tenant.id)


def backup(*, hours: float, state: str = "verified", cells: list[str] | None = None) -> Backup:
    at = timezone.now() - timedelta(hours=hours)
    return Backup.objects.create(
        server="main", kind="full", state=state, cells=cells or ["cell_1"], location="", started_at=at, finished_at=at
    )  # fmt: skip


@pytest.fixture
def repository(monkeypatch: pytest.MonkeyPatch) -> None:
    """The repository itself is another test's: here every moment after the first backup can be reached."""
    monkeypatch.setattr(services, "server_of", lambda cell: type("Server", (), {"name": "main"}))
    monkeypatch.setattr(services, "stored_backups", lambda *a, **k: [])
    monkeypatch.setattr(services, "newest_before", lambda *a, **k: None)


def address(tenant: Tenant, verb: str = "restore") -> str:
    return f"/api/v1/companies/{tenant.pk}/{verb}/"


def moment(hours: float) -> str:
    return (timezone.now() - timedelta(hours=hours)).isoformat()


def test_it_tells_which_moments_can_be_reached(operator_api: APIClient, backed_up: Tenant) -> None:
    drilled = timezone.now() - timedelta(hours=5)
    for hours, company in ((5, str(backed_up.pk)), (4, "another")):
        at = timezone.now() - timedelta(hours=hours)
        Evidence.objects.create(
            kind="restore_drill", is_passed=True, summary="", started_at=at, finished_at=at,
            report={"servers": [{"company": company}]},
        )  # fmt: skip
    told = operator_api.get(address(backed_up)).json()
    when = {name: datetime.fromisoformat(told[name]) for name in ("earliest", "latest", "last_backup_at")}
    # The company is younger than the oldest backup.
    assert timedelta(0) <= when["earliest"] - backed_up.created_at < timedelta(seconds=30)
    assert when["earliest"].microsecond == 0
    assert abs(timezone.now() - when["latest"]) < timedelta(minutes=1)
    assert abs(timezone.now() - when["last_backup_at"] - timedelta(hours=1)) < timedelta(minutes=1)
    assert abs(datetime.fromisoformat(told["own_proved_at"]) - drilled) < timedelta(minutes=1)
    assert told["proved_at"] > told["own_proved_at"]
    assert (told["is_on"], told["can_be_taken_back_until"]) == (True, None)


def test_a_backup_from_before_a_move_does_not_contain_the_company(
    operator_api: APIClient, backed_up: Tenant
) -> None:
    Operation.objects.create(
        kind="move", tenant_id=backed_up.pk, tenant_slug="south", state="succeeded",
        finished_at=timezone.now() - timedelta(minutes=40),
    )  # fmt: skip
    assert operator_api.get(address(backed_up)).json()["last_backup_at"] is None


def test_without_a_backup_there_is_no_moment(
    operator_api: APIClient, other_tenant: TenantRef, settings: Settings, tmp_path: Path
) -> None:
    company = Tenant.objects.get(pk=other_tenant.id)
    body = {"moment": moment(1), "confirm": "south"}
    settings.BACKUP_DIR = None
    assert operator_api.get(address(company)).json()["is_on"] is False
    off = operator_api.post(address(company), body)
    assert (off.status_code, off.json()["code"]) == (409, "backups.off")
    settings.BACKUP_DIR = tmp_path
    assert operator_api.get(address(company)).json()["earliest"] is None
    none = operator_api.post(address(company), body)
    assert (none.status_code, none.json()["code"]) == (422, "restores.unreachable")
    assert "no backup yet" in none.json()["errors"][0]["detail"]


@pytest.mark.usefixtures("repository")
def test_the_workers_are_asked_to_restore_and_nothing_is_done_in_the_request(
    operator_api: APIClient, backed_up: Tenant
) -> None:
    asked = moment(2)
    body = {"moment": asked, "confirm": "South", "with_access": True}
    answer = operator_api.post(address(backed_up), body)
    assert answer.status_code == 202, answer.json()
    operation = Operation.objects.get(pk=answer.json()["id"])
    assert (answer.json()["kind"], operation.state, operation.steps_done) == ("restore", "running", [])
    assert operation.input == {
        "moment": datetime.fromisoformat(asked).isoformat(), "keeps_access": False, "cell": "",
    }  # fmt: skip
    assert operation.asked_by == "Olga Owner-Example"
    again = operator_api.post(address(backed_up), body)
    assert (again.status_code, again.json()["id"]) == (202, str(operation.pk))
    other = operator_api.post(address(backed_up), {**body, "moment": moment(3)})
    assert (other.status_code, other.json()["code"]) == (409, "operations.one_at_a_time")


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize(
    ("changed", "pointer", "says"),
    [
        ({"moment": "2999-01-01T00:00:00Z"}, "/moment", "not come yet"),
        ({"moment": "2020-01-01T00:00:00Z"}, "/moment", "The earliest moment is"),
        ({"moment": "yesterday"}, "/moment", ""),
        ({"moment": "2026-11-22T12:00:00"}, "/moment", ""),
        ({"confirm": "north"}, "/confirm", "Type “south”"),
        ({"cell": "cell_9"}, "/cell", "no such cell"),
        ({"colour": "red"}, "/colour", "no such field"),
    ],
)
def test_what_cannot_be_is_refused_at_its_place(
    operator_api: APIClient, backed_up: Tenant, changed: dict[str, str], pointer: str, says: str
) -> None:
    answer = operator_api.post(address(backed_up), {"moment": moment(2), "confirm": "south", **changed})
    assert answer.status_code == 422
    (problem,) = answer.json()["errors"]
    assert problem["pointer"] == pointer
    assert says in problem["detail"]
    assert not Operation.objects.filter(kind="restore").exists()


def test_a_repository_that_cannot_be_read_is_said_in_words(
    operator_api: APIClient, backed_up: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"moment": moment(2), "confirm": "south"}
    for error, says in ((OSError(5, "Input/output error"), "cannot be read"), (BackupBroken(), "A file of")):

        def broken(cell: str, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(services, "server_of", broken)
        answer = operator_api.post(address(backed_up), body)
        assert (answer.status_code, answer.json()["code"]) == (409, "restores.repository")
        assert says in answer.json()["detail"]


def test_a_process_without_the_repository_goes_by_what_the_control_plane_knows(
    operator_api: APIClient, backed_up: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(cell: str) -> None:
        raise AssertionError("it has neither the owner nor the repository")

    monkeypatch.setattr(services, "server_of", unreachable)
    monkeypatch.setattr(services, "may_change_schemas", lambda: False)
    with pytest.raises(NoBackup):
        services.start_restore(slug="south", moment=timezone.now() - timedelta(days=300), asked_by="test")
    answer = operator_api.post(address(backed_up), {"moment": moment(2), "confirm": "south"})
    assert answer.status_code == 202, answer.json()


@pytest.mark.parametrize("state", ["pending_deletion", "deleted", "moving"])
def test_a_company_that_is_not_standing_is_not_restored(
    operator_api: APIClient, backed_up: Tenant, state: str
) -> None:
    Tenant.objects.filter(pk=backed_up.pk).update(state=state)
    for verb in ("restore", "undo-restore"):
        answer = operator_api.post(
            address(backed_up, verb),
            {"moment": moment(2), "confirm": "south"} if verb == "restore" else {"confirm": "south"},
        )
        assert (answer.status_code, answer.json()["code"]) == (409, "tenants.not_standing")


def test_the_platform_itself_stays(operator_api: APIClient, platform: TenantRef, backed_up: Tenant) -> None:
    own = Tenant.objects.get(pk=platform.id)
    answer = operator_api.post(address(own), {"moment": moment(2), "confirm": "platform"})
    assert (answer.status_code, answer.json()["code"]) == (409, "tenants.platform_stays")


def test_an_onlooker_reads_and_restores_nothing(onlooker_api: APIClient, backed_up: Tenant) -> None:
    assert onlooker_api.get(address(backed_up)).json()["is_on"] is True
    body = {"moment": moment(2), "confirm": "south"}
    assert onlooker_api.post(address(backed_up), body).status_code == 403
    assert onlooker_api.post(address(backed_up, "undo-restore"), {"confirm": "south"}).status_code == 403


def test_there_is_nothing_of_it_on_a_companys_host_nor_of_nobody(
    api: APIClient, other_tenant: TenantRef
) -> None:
    for verb, body in (
        ("restore", {"moment": moment(2), "confirm": "south"}),
        ("undo-restore", {"confirm": "south"}),
    ):
        assert api.post(f"/api/v1/companies/{other_tenant.id}/{verb}/", body).status_code == 404
    assert api.get(f"/api/v1/companies/{other_tenant.id}/restore/").status_code == 404


def test_an_unknown_company_is_not_found(operator_api: APIClient) -> None:
    assert operator_api.get(f"/api/v1/companies/{uuid4()}/restore/").status_code == 404
    assert operator_api.post(f"/api/v1/companies/{uuid4()}/restore/", {}).status_code == 404


# --- taking it back


def restored(tenant: Tenant, *, days: float = 1, **changed: object) -> Operation:
    ended = timezone.now() - timedelta(days=days)
    facts: dict[str, object] = {
        "input": {"moment": moment(50), "keeps_access": True, "cell": ""},
        "result": {"kept_schema": f"{tenant.schema}_before_1", "cell": tenant.cell},
    }
    return Operation.objects.create(
        kind="restore", tenant_id=tenant.pk, tenant_slug=tenant.slug, state="succeeded", finished_at=ended,
        **facts | changed,
    )  # fmt: skip


def test_a_restore_is_taken_back_while_what_it_replaced_is_kept(
    operator_api: APIClient, backed_up: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = restored(backed_up)
    until = datetime.fromisoformat(operator_api.get(address(backed_up)).json()["can_be_taken_back_until"])
    assert abs(until - timezone.now() - timedelta(days=13)) < timedelta(minutes=1)
    wrong = operator_api.post(address(backed_up, "undo-restore"), {"confirm": "north"})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/confirm")
    gone = operator_api.post(address(backed_up, "undo-restore"), {"confirm": "south"})
    assert (gone.status_code, gone.json()["code"]) == (409, "restores.nothing_kept"), (
        "the schema is not there"
    )
    monkeypatch.setattr(services, "has_schema", lambda cell, schema: schema == earlier.result["kept_schema"])
    answer = operator_api.post(address(backed_up, "undo-restore"), {"confirm": "south"})
    assert answer.status_code == 202, answer.json()
    assert Operation.objects.get(pk=answer.json()["id"]).input["takes_back"] == str(earlier.pk)


@pytest.mark.parametrize(
    "changed",
    [
        {"days": 15},
        {"input": {"moment": "2026-11-22T12:00:00Z", "takes_back": "x"}},
        {"result": {"kept_schema": "", "cell": "cell_1"}},
        {"result": {"kept_schema": "t_before", "cell": "cell_2"}},
        {"state": "undone"},
    ],
    ids=["too long ago", "taken back already", "nothing was there", "moved since", "undone"],
)
def test_what_cannot_be_taken_back_is_not_offered(
    operator_api: APIClient, backed_up: Tenant, changed: dict[str, object]
) -> None:
    days = changed.pop("days", 1)
    state = changed.pop("state", "succeeded")
    operation = restored(backed_up, days=float(str(days)), **changed)
    Operation.objects.filter(pk=operation.pk).update(state=state)
    assert operator_api.get(address(backed_up)).json()["can_be_taken_back_until"] is None
    answer = operator_api.post(address(backed_up, "undo-restore"), {"confirm": "south"})
    assert answer.json()["code"] == "restores.nothing_kept"
