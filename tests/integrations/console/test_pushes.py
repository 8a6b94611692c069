"""The page of changes to be sent, and what the page of a task says about its records."""

import pytest
from django.test import Client
from django.urls import reverse

from integrations.models import Connection, ExternalLink, Push
from integrations.sync.push import refusals
from tasks.models import Task
from tenants.accounts.access import UserActor
from tenants.tenancy import atomic
from tests.factories.conflicts import conflicting, task_with_link
from tests.factories.tasks import make_task
from tests.people import signed_in_client


def text(response: object) -> str:
    return response.content.decode()  # type: ignore[attr-defined,no-any-return]


def pushed(task: Task, link: ExternalLink, **values: object) -> Push:
    with atomic():
        return Push.objects.create(
            connection=link.connection, collection=link.collection, link=link, task=task, **values
        )


@pytest.fixture
def refused(owner: UserActor) -> Push:
    """A change the service would not take."""
    with atomic():
        task, link = task_with_link(title="Paint the fence")
    return pushed(
        task, link, state=Push.State.PARKED, error_code=refusals.VALUE, error_field="Tags",
        error="“Tags” takes no commas in options.",
    )  # fmt: skip


def test_what_was_refused_is_told_with_its_reason_and_a_way_to_mend_it(
    console: Client, refused: Push
) -> None:
    page = text(console.get(reverse("integrations:pushes")))

    assert "Paint the fence" in page
    assert "takes no commas" in page
    assert "it is sent by itself then" in page
    assert reverse("integrations:push_retry", args=[refused.pk]) in page
    assert reverse("integrations:mapping", args=[refused.collection_id]) in page


def test_sending_one_again_leaves_the_others_as_they_are(console: Client, refused: Push) -> None:
    with atomic():
        task, link = task_with_link(title="Another")
    other = pushed(task, link, state=Push.State.PARKED, error="No.")

    console.post(reverse("integrations:push_retry", args=[refused.pk]), follow=True)

    with atomic():
        refused.refresh_from_db()
        other.refresh_from_db()
        assert (refused.state, refused.error) == ("waiting", "")
        assert other.state == "parked"
    # Sent again already: the second click is told so, and changes nothing.
    again = console.post(reverse("integrations:push_retry", args=[refused.pk]))
    assert again.status_code == 409


def test_sending_all_again_of_a_workspace_that_is_none_is_refused(console: Client, refused: Push) -> None:
    for workspace in ("nonsense", str(refused.pk)):
        answer = console.post(reverse("integrations:pushes_retry"), {"workspace": workspace})
        assert answer.status_code == 404
    with atomic():
        refused.refresh_from_db()
        assert refused.state == "parked"

    done = console.post(reverse("integrations:pushes_retry"), {}, follow=True)
    assert "1 change is sent again." in text(done)


def test_a_member_sees_it_and_has_no_button(host: str, member: UserActor, refused: Push) -> None:
    client = signed_in_client(host, member)
    page = text(client.get(reverse("integrations:pushes")))
    assert "takes no commas" in page
    assert reverse("integrations:push_retry", args=[refused.pk]) not in page
    assert client.post(reverse("integrations:push_retry", args=[refused.pk])).status_code == 403


def test_the_list_shows_only_what_was_asked_for(console: Client, refused: Push) -> None:
    address = reverse("integrations:pushes")
    assert "Paint the fence" in text(console.get(address, {"state": "refused"}))
    assert "Nothing waits here" in text(console.get(address, {"state": "waiting"}))
    assert "Paint the fence" in text(console.get(address, {"state": "no such state"}))


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        (None, "In step"),
        ({"state": "waiting"}, "Waiting to be sent"),
        ({"state": "ambiguous"}, "Being sent"),
        ({"state": "parked", "error": "It is too long.", "error_code": refusals.VALUE}, "It is too long."),
        ({"state": "held"}, "Held for a decision"),
    ],
)
def test_the_page_of_a_task_says_how_it_stands(
    console: Client, values: dict[str, str] | None, shown: str
) -> None:
    with atomic():
        task, link = task_with_link(title="Paint the fence")
    if values is not None:
        pushed(task, link, **values)

    page = text(console.get(reverse("tasks:detail", args=[task.key])))

    assert shown in page
    assert "Operations" in page
    assert (reverse("integrations:pushes") in page) is (values is not None)


def test_a_conflict_comes_first_and_leads_to_its_page(console: Client) -> None:
    with atomic():
        conflict = conflicting()
        key = conflict.task.key
    page = text(console.get(reverse("tasks:detail", args=[key])))
    assert "Decide about one field" in page


def test_a_paused_workspace_is_named_as_the_reason(console: Client) -> None:
    with atomic():
        task, link = task_with_link(title="Paint the fence")
        Connection.objects.update(state=Connection.State.PAUSED, state_reason="Paused by hand.")
    pushed(task, link)
    assert "Paused by hand." in text(console.get(reverse("tasks:detail", args=[task.key])))


def test_a_task_of_ours_only_says_nothing_of_it(console: Client) -> None:
    with atomic():
        task = make_task(title="Only here")
    assert "Waiting to be sent" not in text(console.get(reverse("tasks:detail", args=[task.key])))
    assert "standing-1" not in text(console.get(reverse("tasks:detail", args=[task.key])))
