"""The mapping of a database: proposed, tried on real rows, changed, confirmed."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from integrations.models import Connection, FieldMapping, SyncedCollection
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.services import connect_workspace
from integrations.sync.services import discover_collections
from tasks.models import Task
from tenants.accounts.access import SYSTEM, UserActor
from tenants.tenancy import TenantRef, atomic
from tests.factories.notion import NotionWorkspace


@pytest.fixture
def collection(tenant: TenantRef, sandbox: Sandbox, workspace: NotionWorkspace) -> SyncedCollection:
    """The tasks of a workspace that was looked at but not confirmed."""
    workspace.add_project("Winter")
    workspace.add_tasks(8)
    workspace.into(sandbox)
    connection = connect_workspace(token=workspace.token, actor=SYSTEM, requests_per_minute=None)
    discover_collections(connection=connection, actor=SYSTEM)
    with atomic():
        return SyncedCollection.objects.get(connection=connection, role="tasks")


def form_of(collection: SyncedCollection) -> dict[str, Any]:
    """What the form sends when nothing was changed."""
    with atomic():
        rows = list(FieldMapping.objects.filter(collection=collection))
    return {"role": "tasks", **{f"field-{row.our_field}": row.remote_field_id for row in rows}}


def address(collection: SyncedCollection) -> str:
    return reverse("integrations:mapping", args=[collection.pk])


def stamp_in(page: Any) -> str:
    return str(page.content.decode().split('name="seen" value="')[1].split('"')[0])


def test_the_proposal_is_shown_with_reasons_and_real_rows(
    console: Client, collection: SyncedCollection
) -> None:
    page = console.get(address(collection)).content.decode()
    assert "Preview on real rows" in page
    assert 'name="field-status"' in page
    assert "Confirm mapping" in page
    with atomic():
        assert not Task.objects.exists()


def test_confirming_reads_the_database(
    console: Client, collection: SyncedCollection, work: Callable[[], None]
) -> None:
    response = console.post(address(collection), {**form_of(collection), "action": "confirm"}, follow=True)
    assert "is being brought into step" in response.content.decode()
    work()
    with atomic():
        assert Task.objects.count() == 8


def test_what_somebody_else_decided_meanwhile_is_shown_before_it_is_replaced(
    console: Client, collection: SyncedCollection
) -> None:
    seen = stamp_in(console.get(address(collection)))
    mine = {**form_of(collection), "department_name": "Mine", "action": "confirm", "seen": seen}
    theirs = {**form_of(collection), "department_name": "Theirs", "action": "confirm", "seen": seen}
    console.post(address(collection), theirs)

    refused = console.post(address(collection), mine)

    assert refused.status_code == 422
    assert "changed since you opened the page" in refused.content.decode()
    with atomic():
        assert SyncedCollection.objects.get(pk=collection.pk).department_name == "Theirs"
    # Whoever has looked and confirms once more is followed.
    console.post(address(collection), {**mine, "seen": stamp_in(refused)})
    with atomic():
        assert SyncedCollection.objects.get(pk=collection.pk).department_name == "Mine"


def test_a_form_that_is_only_looked_at_again_stays_as_old_as_it_is(
    console: Client, collection: SyncedCollection
) -> None:
    seen = stamp_in(console.get(address(collection)))
    console.post(
        address(collection), {**form_of(collection), "department_name": "Theirs", "action": "confirm"}
    )
    shown = console.post(address(collection), {**form_of(collection), "seen": seen, "action": "preview"})
    assert stamp_in(shown) == seen


def test_pressing_confirm_twice_is_no_conflict_with_oneself(
    console: Client, collection: SyncedCollection
) -> None:
    form = {**form_of(collection), "action": "confirm", "seen": stamp_in(console.get(address(collection)))}
    assert [console.post(address(collection), form).status_code for _ in range(2)] == [302, 302]


def test_an_option_decided_by_hand_is_followed(
    console: Client, collection: SyncedCollection, work: Callable[[], None]
) -> None:
    page = console.get(address(collection)).content.decode()
    names = {part.split('"')[0] for part in page.split('name="')[1:]}
    options = {name: "cancelled" for name in names if name.startswith("option-status-")}
    assert options
    console.post(address(collection), {**form_of(collection), **options, "action": "confirm"})
    work()
    with atomic():
        assert set(Task.objects.values_list("status", flat=True)) == {"cancelled"}


def test_without_a_title_nothing_is_confirmed_and_the_page_says_why(
    console: Client, collection: SyncedCollection
) -> None:
    form = {**form_of(collection), "field-title": "", "action": "confirm"}
    response = console.post(address(collection), form)
    assert response.status_code == 422
    assert "title column is needed" in response.content.decode()
    with atomic():
        assert not SyncedCollection.objects.get(pk=collection.pk).is_enabled


def test_a_change_is_previewed_without_being_written(console: Client, collection: SyncedCollection) -> None:
    form = {name: value for name, value in form_of(collection).items() if name != "field-due"}
    response = console.post(address(collection), form, headers={"HX-Request": "true"})
    page = response.content.decode()
    assert "<html" not in page
    assert "Preview on real rows" in page
    with atomic():
        assert FieldMapping.objects.filter(collection=collection, our_field="due").exists()


def test_a_column_that_is_gone_is_an_error_not_a_crash(console: Client, collection: SyncedCollection) -> None:
    form = {**form_of(collection), "field-status": "nothing", "action": "confirm"}
    response = console.post(address(collection), form)
    assert response.status_code == 422
    assert "Choose another column" in response.content.decode()


def test_the_page_is_there_when_the_service_is_not(
    console: Client, collection: SyncedCollection, sandbox: Sandbox, workspace: NotionWorkspace
) -> None:
    sandbox.revoke(workspace.token)
    response = console.get(address(collection))
    assert response.status_code == 200
    assert "There are no rows to show" in response.content.decode()


def test_a_member_may_look_but_not_confirm(
    login_as: Callable[[UserActor], Client], member: UserActor, collection: SyncedCollection
) -> None:
    client = login_as(member)
    assert "Confirm mapping" not in client.get(address(collection)).content.decode()
    response = client.post(address(collection), {**form_of(collection), "action": "confirm"})
    assert response.status_code in {403, 422}
    with atomic():
        assert not SyncedCollection.objects.get(pk=collection.pk).is_enabled
        assert Connection.objects.get().state == "connected"


def test_a_member_sees_rows_only_of_what_is_read_and_as_it_is_read(
    console: Client,
    login_as: Callable[[UserActor], Client],
    member: UserActor,
    collection: SyncedCollection,
    work: Callable[[], None],
) -> None:
    client = login_as(member)
    assert "preview-1" not in client.get(address(collection)).content.decode()
    console.post(address(collection), {**form_of(collection), "action": "confirm"})
    work()

    assert "preview-1" in client.get(address(collection)).content.decode()
    curious = {**form_of(collection), "field-description": "ownr", "action": "preview"}
    assert "preview-1" not in client.post(address(collection), curious).content.decode()
