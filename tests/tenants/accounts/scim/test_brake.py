"""The brake: a directory that wants to shut many out is stopped, told so, and a person decides."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tenants.accounts.access import SYSTEM, Role, UserActor
from tenants.accounts.models import (
    BreakGlassOwner,
    EmailDomain,
    ScimDeprovisioning,
    ScimDirectory,
    SsoLogEntry,
    User,
)
from tenants.accounts.scim import brake
from tenants.accounts.scim.directories import DirectoryChange, change_directory, create_directory
from tenants.accounts.scim.letters import ask_for_letters, tell
from tenants.accounts.scim.tokens import issue_scim_token
from tenants.foundation.errors import Conflict, Forbidden
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tenants.tenancy.addresses import canonical_host
from tests.people import person
from tests.tenants.accounts.scim.conftest import ScimClient, user_body

OFF = {"op": "replace", "path": "active", "value": False}
State = ScimDeprovisioning.State


@pytest.fixture
def strict(directory: ScimDirectory, admin: UserActor) -> ScimDirectory:
    """A directory that may shut out two people, or a fifth of them."""
    return change_directory(directory=directory, actor=admin, change=DirectoryChange(brake_least=2))


def test_what_is_beyond_the_rule_is_held_and_nothing_of_it_done(
    scim: ScimClient, strict: ScimDirectory, admin: UserActor, tenant: TenantRef
) -> None:
    people = [scim.user(f"p{number}") for number in range(6)]
    answers = [scim.patch(f"/Users/{each['id']}", OFF) for each in people[:2]]
    assert [each.status_code for each in answers] == [200, 200]
    third = scim.patch(f"/Users/{people[2]['id']}", OFF, {"op": "replace", "path": "title", "value": "Gone"})
    assert third.status_code == 409
    assert third.json()["detail"].startswith("Held:")
    assert scim.send("DELETE", f"/Users/{people[3]['id']}").status_code == 409
    shown = scim.get(f"/Users/{people[2]['id']}").json()
    assert shown["active"] is True
    assert "title" not in shown
    assert User.objects.filter(pk__in=[each["id"] for each in people], is_active=True).count() == 4
    held = list(brake.visible_held(actor=admin))
    assert [(str(row.user_id), row.is_deletion) for row in held] == [
        (people[2]["id"], False), (people[3]["id"], True),
    ]  # fmt: skip
    # The directory tries again: nothing is written twice, and a change of something else goes through.
    assert scim.patch(f"/Users/{people[2]['id']}", OFF).status_code == 409
    assert ScimDeprovisioning.objects.filter(state=State.HELD).count() == 2
    title = {"op": "replace", "path": "title", "value": "Still here"}
    assert scim.patch(f"/Users/{people[2]['id']}", title).status_code == 200
    assert SsoLogEntry.objects.filter(event="scim.user.patch", outcome="refused").exists()
    with pytest.raises(Forbidden):
        brake.approve(held=[row.pk for row in held], actor=person(tenant, Role.MANAGER, "Mia"))


def test_a_person_approves_or_refuses(scim: ScimClient, strict: ScimDirectory, admin: UserActor) -> None:
    people = [scim.user(f"p{number}") for number in range(6)]
    for each in people[:2]:
        scim.patch(f"/Users/{each['id']}", OFF)
    scim.send("DELETE", f"/Users/{people[2]['id']}")
    scim.patch(f"/Users/{people[3]['id']}", OFF)
    gone, stays = brake.visible_held(actor=admin)
    assert brake.approve(held=[gone.pk], actor=admin) == 1
    assert brake.refuse(held=[stays.pk], actor=admin) == 1
    assert brake.approve(held=[gone.pk, stays.pk], actor=admin) == 0
    assert not User.objects.get(pk=people[2]["id"]).is_active
    assert scim.get(f"/Users/{people[2]['id']}").status_code == 404
    assert User.objects.get(pk=people[3]["id"]).is_active
    again = scim.patch(f"/Users/{people[3]['id']}", OFF)
    assert (again.status_code, "decided" in again.json()["detail"]) == (409, True)
    assert not brake.visible_held(actor=admin).exists()
    # What was approved counts for nothing, and what lies outside the window neither.
    ScimDeprovisioning.objects.update(asked_at=timezone.now() - timedelta(hours=25))
    assert scim.patch(f"/Users/{people[4]['id']}", OFF).status_code == 200


def test_the_record_is_locked_before_the_account_as_a_directory_does(
    scim: ScimClient, strict: ScimDirectory, admin: UserActor, tenant: TenantRef
) -> None:
    """The other way round an approval and a change by the directory would wait for each other."""
    for number in range(3):
        scim.patch(f"/Users/{scim.user(f'p{number}')['id']}", OFF)
    held = [row.pk for row in brake.visible_held(actor=admin)]
    with CaptureQueriesContext(connections[tenant.cell]) as sent:
        assert brake.approve(held=held, actor=admin) == 1
    said = [each["sql"] for each in sent]
    record = next(n for n, sql in enumerate(said) if '"accounts_scimperson"' in sql and "FOR NO KEY" in sql)
    account = next(n for n, sql in enumerate(said) if sql.startswith('UPDATE "accounts_user"'))
    assert record < account


def test_an_emergency_owner_is_not_approved_either(
    scim: ScimClient, strict: ScimDirectory, admin: UserActor
) -> None:
    people = [scim.user(f"p{number}") for number in range(4)]
    for each in people[:3]:
        scim.patch(f"/Users/{each['id']}", OFF)
    BreakGlassOwner.objects.create(user_id=people[2]["id"])
    with pytest.raises(Conflict, match="emergency owner"):
        brake.approve(held=[row.pk for row in brake.visible_held(actor=admin)], actor=admin)
    assert User.objects.get(pk=people[2]["id"]).is_active


def test_large_directories_have_more_room() -> None:
    directory = ScimDirectory(brake_least=5, brake_percent=20)
    assert [brake.most_at_once(directory, people) for people in (1, 25, 26, 1000)] == [5, 5, 5, 200]


def test_administrators_get_one_letter(
    scim: ScimClient, strict: ScimDirectory, admin: UserActor, owner: UserActor
) -> None:
    assert ask_for_letters(strict.pk) == 0
    for number in range(4):
        scim.patch(f"/Users/{scim.user(f'p{number}')['id']}", OFF)
    assert ask_for_letters(strict.pk) == 2
    assert tell(admin.user_id, strict.pk)
    (letter,) = mail.outbox
    assert letter.to == [admin.user.email]
    assert f"/settings/directories/{strict.pk}/" in letter.body
    brake.refuse(held=[row.pk for row in brake.visible_held(actor=admin)], actor=admin)
    assert not tell(owner.user_id, strict.pk)


# --- at the same moment, with real transactions


@pytest.fixture
def committed(committed_tenant: TenantRef) -> tuple[TenantRef, str, str]:
    """A company with a directory that may shut out three people; its host and key."""
    with tenant_scope(committed_tenant), atomic():
        EmailDomain.objects.create(domain="people.example", nonce="n", state=EmailDomain.State.VERIFIED)
        made = create_directory(actor=SYSTEM, name="Committed")
        change_directory(directory=made, actor=SYSTEM, change=DirectoryChange(brake_least=3))
        key = issue_scim_token(directory=made, actor=SYSTEM).token.reveal()
        return committed_tenant, canonical_host(), key


def at_once(count: int, work: object) -> list[int]:
    """Run something `count` times in threads of their own."""

    def one(number: int) -> int:
        try:
            status: int = work(number)  # type: ignore[operator]
        finally:
            connections.close_all()
        return status

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_two_posts_at_once_make_one_person(committed: tuple[TenantRef, str, str]) -> None:
    tenant, host, key = committed
    body = user_body("twin", externalId="t")

    def post(_number: int) -> int:
        return int(ScimClient(Client(headers={"host": host}), key).post("/Users", body).status_code)

    assert sorted(at_once(4, post)) == [201, 409, 409, 409]
    with tenant_scope(tenant), atomic():
        assert User.objects.filter(email="twin@people.example").count() == 1


def test_requests_at_once_do_not_slip_by_the_brake(committed: tuple[TenantRef, str, str]) -> None:
    tenant, host, key = committed
    scim = ScimClient(Client(headers={"host": host}), key)
    ids = [scim.user(f"p{number}")["id"] for number in range(8)]

    def shut(number: int) -> int:
        own = ScimClient(Client(headers={"host": host}), key)
        return int(own.patch(f"/Users/{ids[number]}", OFF).status_code)

    assert sorted(at_once(8, shut)) == [200] * 3 + [409] * 5
    with tenant_scope(tenant), atomic():
        assert User.objects.filter(pk__in=ids, is_active=False).count() == 3
        assert ScimDeprovisioning.objects.filter(state=State.HELD).count() == 5
