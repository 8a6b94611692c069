"""The inbox of conflicts: what waits, the values side by side, one click that decides, one that takes it back."""

from collections.abc import Callable

import pytest
from django.test import Client

from integrations.models import Conflict, Push
from integrations.sync.conflicts.services import choose
from tasks.drafts import TaskChanges
from tasks.models import Person, Task
from tasks.services import edit_tasks
from tenants.accounts.access import SYSTEM, UserActor
from tenants.tenancy import TenantRef
from tests.factories.conflicts import conflicting


def body_of(answer: object) -> str:
    return str(answer.content.decode())  # type: ignore[attr-defined]


def test_what_waits_is_listed_and_counted_in_the_sidebar(console: Client) -> None:
    conflicting(base="Old name", local="Our name", remote="Their name")
    conflicting(base="Gone", local="Lost", remote="Won", chosen="remote")

    text = body_of(console.get("/sync/conflicts/"))

    assert all(value in text for value in ("Old name", "Our name", "Their name", "wait for a decision"))
    assert "Lost" not in text
    assert "Lost" in body_of(console.get("/sync/conflicts/?state=decided"))
    assert "Nothing of this kind" in body_of(console.get("/sync/conflicts/?state=settled"))


def test_the_values_stand_side_by_side_with_what_differs(console: Client) -> None:
    conflict = conflicting(base="Call the bank", local="Call the big bank", remote="Ring the bank")

    text = body_of(console.get(f"/sync/conflicts/{conflict.pk}/"))

    assert "<ins>big " in text or "<ins> big" in text
    assert "<del>Call</del><ins>Ring</ins>" in text
    assert all(f'name="side" value="{side}"' in text for side in ("local", "remote", "base", "merged"))
    assert "Both sides changed it." in text


def test_one_click_decides_and_the_page_says_who_did(console: Client, owner: UserActor) -> None:
    conflict = conflicting(base="Old", local="Ours", remote="Theirs")

    answer = console.post(
        f"/sync/conflicts/{conflict.pk}/choose/",
        {"side": "remote", "seen_at": conflict.updated_at.isoformat()},
    )

    assert (answer.status_code, answer.headers["Location"]) == (302, f"/sync/conflicts/{conflict.pk}/")
    assert Task.objects.get(pk=conflict.task_id).title == "Theirs"
    text = body_of(console.get(f"/sync/conflicts/{conflict.pk}/"))
    assert owner.name in text
    assert "Take this decision back" in text
    assert 'name="side"' not in text

    console.post(f"/sync/conflicts/{conflict.pk}/revert/")

    assert Task.objects.get(pk=conflict.task_id).title == "Ours"
    assert Push.objects.exists()


def test_who_comes_second_is_told_and_changes_nothing(console: Client) -> None:
    conflict = conflicting(base="Old", local="Ours", remote="Theirs")
    choose(conflict_id=conflict.pk, side="local", actor=SYSTEM)

    answer = console.post(f"/sync/conflicts/{conflict.pk}/choose/", {"side": "remote"})

    assert answer.status_code == 409
    assert "has decided this already" in body_of(answer)
    assert Task.objects.get(pk=conflict.task_id).title == "Ours"


def test_a_task_that_moved_on_is_shown_before_anything_is_decided(console: Client) -> None:
    conflict = conflicting(base="Old", local="Ours", remote="Theirs")
    edit_tasks(ids=[conflict.task_id], changes=TaskChanges(title="Newer"), actor=SYSTEM)

    refused = console.post(f"/sync/conflicts/{conflict.pk}/choose/", {"side": "remote"})

    assert refused.status_code == 409
    assert "“Newer” by now" in body_of(refused)

    console.post(f"/sync/conflicts/{conflict.pk}/choose/", {"side": "remote", "is_sure": "yes"})

    assert Task.objects.get(pk=conflict.task_id).title == "Theirs"


@pytest.mark.parametrize(
    "body",
    [{}, {"side": "nobody"}, {"side": "merged"}, {"side": "local", "seen_at": "yesterday"}, {"side": "\x00"}],
)
def test_bad_input_decides_nothing_it_does_not_say(console: Client, body: dict[str, str]) -> None:
    conflict = conflicting(base="Call", local="Ring", remote="Write")

    answer = console.post(f"/sync/conflicts/{conflict.pk}/choose/", body)

    assert answer.status_code in {302, 422}
    assert (Conflict.objects.get().state == "settled") == (answer.status_code == 302)


def test_many_are_decided_at_once_and_those_that_cannot_be_are_named(console: Client) -> None:
    rows = [conflicting(base="Old", local="Ours", remote=f"Theirs {number}") for number in range(3)]

    answer = console.post("/sync/conflicts/choose/", {"ids": [str(row.pk) for row in rows], "side": "remote"})

    assert answer.status_code == 302
    assert Conflict.objects.filter(state="settled").count() == 3

    answer = console.post("/sync/conflicts/choose/", {"ids": [str(rows[0].pk), "nonsense"], "side": "local"})

    assert answer.status_code == 409
    assert "has decided this already" in body_of(answer)


def test_people_dates_and_records_in_the_trash_are_shown_in_words(console: Client) -> None:
    ann = Person.objects.create(name="Ann Example")
    conflicting(our_field="assignees", base=[], local=[str(ann.pk)], remote=[])
    conflicting(our_field="due", base=None, local={"on": "2026-03-09", "at": None}, remote=None)
    record = conflicting(our_field="record", base=None, local=["title", "due"], remote="trashed")

    text = body_of(console.get("/sync/conflicts/"))

    assert all(words in text for words in ("Ann Example", "9 Mar 2026", "Edited and not sent: Title, Due"))
    text = body_of(console.get(f"/sync/conflicts/{record.pk}/"))
    assert "Archive the task" in text
    assert "Take the record out of the trash" in text
    assert 'value="base"' not in text


def test_a_member_is_kept_out(
    tenant: TenantRef, member: UserActor, login_as: Callable[[UserActor], Client]
) -> None:
    conflict = conflicting(base="Old", local="Ours", remote="Theirs")
    client = login_as(member)

    assert client.get("/sync/conflicts/").status_code == 403
    assert client.get(f"/sync/conflicts/{conflict.pk}/").status_code in {403, 404}
    assert client.post(f"/sync/conflicts/{conflict.pk}/choose/", {"side": "local"}).status_code in {403, 404}
    assert "wait for a decision" not in body_of(client.get("/tasks/"))


def test_a_value_nobody_has_read_is_not_offered_and_the_page_says_so(console: Client) -> None:
    lost = conflicting(base="Old", local="Ours", remote=None, chosen="local", policy=Conflict.UNREAD)

    text = body_of(console.get(f"/sync/conflicts/{lost.pk}/"))

    assert "Overwritten before anybody here had read it" in text
    assert "Overwritten before anybody here had read it" in body_of(
        console.get("/sync/conflicts/?state=decided")
    )
    assert "Take this decision back" not in text
    assert [side for side in ("local", "remote", "base") if f'name="side" value="{side}"' in text] == [
        "local",
        "base",
    ]
    refused = console.post(f"/sync/conflicts/{lost.pk}/revert/")
    assert (refused.status_code, "was never read here" in body_of(refused)) == (409, True)
