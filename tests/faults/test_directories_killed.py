"""A process dies in the middle of a bulk message, two directories race: nothing half done, and the brake holds."""

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tenants.accounts.access import SYSTEM
from tenants.accounts.models import (
    EmailDomain,
    RoleBinding,
    ScimDeprovisioning,
    ScimDirectory,
    ScimEmail,
    ScimPerson,
    User,
)
from tenants.accounts.scim.directories import DirectoryChange, change_directory, create_directory
from tenants.accounts.scim.tokens import issue_scim_token
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tenants.tenancy.addresses import canonical_host
from tests.faults.processes import Processes
from tests.tenants.accounts.scim.conftest import ScimClient, user_body

Run = Callable[..., Any]
OFF = {"Operations": [{"op": "replace", "path": "active", "value": False}]}


@pytest.fixture
def host(committed_tenant: TenantRef) -> str:
    with tenant_scope(committed_tenant), atomic():
        EmailDomain.objects.create(domain="people.example", nonce="n", state=EmailDomain.State.VERIFIED)
        return canonical_host()


@pytest.fixture
def run(host: str, tmp_path: Path) -> Run:
    processes = Processes(tmp_path, {})

    def deliver(**case: Any) -> Any:
        text = json.dumps({"host": host, **case})
        return json.loads(processes.run("tests.faults.dying_directories", text, seconds=120))

    return deliver


def key_of(tenant: TenantRef, name: str, **rules: int) -> str:
    with tenant_scope(tenant), atomic():
        made = create_directory(actor=SYSTEM, name=name)
        change_directory(directory=made, actor=SYSTEM, change=DirectoryChange(**rules))  # type: ignore[arg-type]
        return issue_scim_token(directory=made, actor=SYSTEM).token.reveal()


def new_people(*names: str) -> list[dict[str, Any]]:
    return [{"method": "POST", "path": "/Users", "bulkId": name, "data": user_body(name)} for name in names]


@pytest.mark.parametrize(("moment", "there"), [("inside", ["p1", "p2"]), ("after", ["p1", "p2", "p3"])])
def test_what_was_done_before_the_process_died_is_whole_and_the_rest_is_not_there(
    committed_tenant: TenantRef, host: str, run: Run, moment: str, there: list[str]
) -> None:
    key, bulk = key_of(committed_tenant, "Mortal"), new_people("p1", "p2", "p3", "p4", "p5")
    died = run(keys=[key], bulk=bulk, moment=moment, number=3)
    assert died == {"ended": [-signal.SIGKILL], "said": []}
    with tenant_scope(committed_tenant), atomic():
        people = User.objects.filter(email__endswith="@people.example")
        assert sorted(people.values_list("scim__user_name", flat=True)) == [
            f"{name}@people.example" for name in there
        ]
        assert ScimEmail.objects.count() == ScimPerson.objects.count() == len(there)
        assert RoleBinding.objects.filter(user__in=people).count() == len(there)
    again = ScimClient(Client(headers={"host": host}), key).post("/Bulk", {"Operations": bulk}).json()
    statuses = [each["status"] for each in again["Operations"]]
    assert statuses == ["409"] * len(there) + ["201"] * (5 - len(there))


def test_the_brake_counts_what_was_done_and_not_what_died(
    committed_tenant: TenantRef, host: str, run: Run
) -> None:
    key = key_of(committed_tenant, "Mortal", brake_least=4, brake_percent=0)
    scim = ScimClient(Client(headers={"host": host}), key)
    ids = [scim.user(f"p{number}")["id"] for number in range(6)]
    off = [{"method": "PATCH", "path": f"/Users/{number}", "data": OFF} for number in ids]
    assert run(keys=[key], bulk=off, moment="inside", number=3)["ended"] == [-signal.SIGKILL]
    with tenant_scope(committed_tenant), atomic():
        assert User.objects.filter(pk__in=ids, is_active=False).count() == 2
        assert ScimDeprovisioning.objects.count() == 2
    again = scim.post("/Bulk", {"Operations": off}).json()
    assert [each["status"] for each in again["Operations"]] == ["200"] * 4 + ["409"] * 2
    with tenant_scope(committed_tenant), atomic():
        assert User.objects.filter(pk__in=ids, is_active=False).count() == 4
        assert ScimDeprovisioning.objects.filter(state=ScimDeprovisioning.State.HELD).count() == 2


def test_two_directories_that_race_for_the_same_people_get_one_each(
    committed_tenant: TenantRef, run: Run
) -> None:
    keys = [key_of(committed_tenant, "North"), key_of(committed_tenant, "South")]
    names = [f"both{number}" for number in range(8)]
    raced = run(keys=keys, people=[user_body(name, externalId=name) for name in names])
    assert raced["ended"] == [0, 0]
    assert [sorted(pair) for pair in zip(*raced["said"], strict=True)] == [[201, 409]] * len(names)
    with tenant_scope(committed_tenant), atomic():
        assert User.objects.filter(email__startswith="both").count() == len(names)
        assert ScimPerson.objects.count() == len(names)
        assert {row.directory.name for row in ScimPerson.objects.select_related("directory")} <= {
            "North",
            "South",
        }
        assert ScimDirectory.objects.count() == 2
