"""Descriptions go to the pages of their tasks: few calls, nothing lost, nothing of anybody else's overwritten."""

from typing import Any

import pytest

from integrations.models import AgreedBody, Conflict, ExternalLink, FieldMapping, Push, SyncChange
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.sync.bodies import read_bodies
from integrations.sync.conflicts.services import choose
from tasks.models import Task
from tenants.accounts.access import SYSTEM
from tests.integrations.sync.push.conftest import Desk

type Json = dict[str, Any]


@pytest.fixture
def written(desk: Desk, pages: list[str]) -> Task:
    """A task whose page holds three paragraphs, known on both sides."""
    for text in ("One.", "Two.", "Three."):
        desk.sandbox.append(pages[0], desk.workspace.editor, [paragraph(text)])
    read_texts(desk)
    task = desk.task_of(pages[0])
    assert task.description == "One.\n\nTwo.\n\nThree."
    desk.calls()
    return task


def paragraph(text: str) -> Json:
    return {"paragraph": {"rich_text": [{"text": {"content": text}}]}}


def read_texts(desk: Desk) -> None:
    """As if all pages had just been edited."""
    ExternalLink.objects.update(is_body_stale=True, body_due_at="2026-03-01T00:00:00Z")
    read_bodies(connection_id=desk.connection.pk, heartbeat=lambda: None)


def page_of(task: Task) -> str:
    return ExternalLink.objects.get(task=task).remote_id


def text_there(desk: Desk, task: Task) -> list[str]:
    """The words of the blocks of the page, in order, each with its kind."""
    workspace, _ = desk.sandbox.holder_of(page_of(task))
    return list(_words(workspace, page_of(task), 0))


def _words(workspace: Any, parent_id: str, depth: int) -> Any:
    for block_id in workspace.children.get(parent_id, []):
        item = workspace.item("block", block_id)
        if item is None or item.in_trash:
            continue
        kind = item.obj["type"]
        words = "".join(run["plain_text"] for run in item.obj[kind].get("rich_text", []))
        yield f"{'  ' * depth}{kind}: {words}"
        yield from _words(workspace, block_id, depth + 1)


def test_one_changed_paragraph_is_one_look_and_one_write(desk: Desk, written: Task) -> None:
    desk.edit(written, description="One.\n\nTwo and a half.\n\nThree.")

    desk.send()

    assert text_there(desk, written) == ["paragraph: One.", "paragraph: Two and a half.", "paragraph: Three."]
    calls = desk.calls()
    assert [call.split("/")[0] for call in calls] == ["GET ", "PATCH "]
    assert not Push.objects.exists()
    change = SyncChange.objects.get(side="there")
    assert change.fields["description"][1] == "One.\n\nTwo and a half.\n\nThree."


def test_a_text_and_a_title_are_sent_with_one_push(desk: Desk, written: Task) -> None:
    desk.edit(written, title="Both", description="One.\n\nTwo.\n\nThree.\n\n- four\n    - five")

    desk.send()

    assert desk.title(page_of(written)) == "Both"
    assert text_there(desk, written)[3:] == ["bulleted_list_item: four", "  bulleted_list_item: five"]
    assert len(desk.writes()) == 2
    assert not Push.objects.exists()


def test_our_own_write_is_nobodys_edit(desk: Desk, written: Task) -> None:
    desk.edit(written, description="Anything else.\n* a list  \n* typed otherwise")
    desk.send()
    desk.calls()

    read_texts(desk)
    desk.send()

    written.refresh_from_db()
    assert written.description == "Anything else.\n* a list  \n* typed otherwise"
    assert desk.writes() == []
    assert not Conflict.objects.exists()


def test_a_text_that_came_from_there_is_not_sent_back(desk: Desk, written: Task) -> None:
    desk.sandbox.append(page_of(written), desk.workspace.editor, [paragraph("Four.")])
    read_texts(desk)
    desk.send()

    written.refresh_from_db()
    assert written.description.endswith("Four.")
    assert desk.writes() == []


def test_edits_of_different_paragraphs_go_together(desk: Desk, written: Task) -> None:
    desk.sandbox.append(page_of(written), desk.workspace.editor, [paragraph("Four.")])
    desk.edit(written, description="One, here.\n\nTwo.\n\nThree.")

    desk.send()

    together = "One, here.\n\nTwo.\n\nThree.\n\nFour."
    written.refresh_from_db()
    assert written.description == together
    assert AgreedBody.objects.get(link__task=written).text == together
    assert text_there(desk, written)[0] == "paragraph: One, here."
    assert not Conflict.objects.exists()


def change_first(desk: Desk, task: Task, text: str) -> None:
    workspace, _ = desk.sandbox.holder_of(page_of(task))
    first = workspace.children[page_of(task)][0]
    item = workspace.item("block", first)
    assert item is not None
    obj = dict(item.obj)
    run = {"type": "text", "text": {"content": text, "link": None}, "plain_text": text, "href": None,
           "annotations": obj["paragraph"]["rich_text"][0]["annotations"]}  # fmt: skip
    workspace.put("block", {**obj, "paragraph": {**obj["paragraph"], "rich_text": [run]}})


@pytest.mark.parametrize("side", ["local", "remote"])
def test_edits_of_one_paragraph_wait_for_somebody_and_the_choice_is_carried_out(
    desk: Desk, written: Task, side: str
) -> None:
    change_first(desk, written, "One, there.")
    desk.edit(written, description="One, here.\n\nTwo.\n\nThree.")

    desk.send()

    row = Conflict.objects.get()
    assert (row.our_field, row.state, row.base) == ("description", "open", "One.\n\nTwo.\n\nThree.")
    assert (row.local, row.remote) == ("One, here.\n\nTwo.\n\nThree.", "One, there.\n\nTwo.\n\nThree.")
    assert desk.writes() == []

    choose(conflict_id=row.pk, side=side, actor=SYSTEM)
    desk.send()

    chosen = "One, here." if side == "local" else "One, there."
    written.refresh_from_db()
    assert written.description.startswith(chosen)
    assert text_there(desk, written)[0] == f"paragraph: {chosen}"


def test_a_conflict_found_by_reading_waits_and_ends_when_both_say_the_same(desk: Desk, written: Task) -> None:
    Task.objects.filter(pk=written.pk).update(description="One, here.\n\nTwo.\n\nThree.")
    change_first(desk, written, "One, there.")
    read_texts(desk)
    assert Conflict.objects.open().get().our_field == "description"

    change_first(desk, written, "One, here.")
    read_texts(desk)

    assert not Conflict.objects.open().exists()
    written.refresh_from_db()
    assert written.description.startswith("One, here.")


def test_a_new_page_takes_its_text_along(home: Desk) -> None:
    task = home.create(title="New", description="# Plan\n\n- [ ] first\n- [x] second")
    home.calls()

    home.send()

    assert text_there(home, task) == ["heading_1: Plan", "to_do: first", "to_do: second"]
    assert not any("/blocks/" in call for call in home.calls())
    assert not Push.objects.exists()


def test_a_long_text_of_a_new_page_follows_in_portions(home: Desk) -> None:
    text = "\n\n".join(f"Paragraph {number}." for number in range(250))
    task = home.create(title="Long", description=text)

    for _ in range(3):
        home.send()

    assert text_there(home, task) == [f"paragraph: Paragraph {number}." for number in range(250)]
    assert not Push.objects.exists()


def test_what_markdown_cannot_say_is_shown_and_stays(desk: Desk, pages: list[str]) -> None:
    bookmark = {"bookmark": {"url": "https://example.test/a"}}
    columns = {
        "column_list": {
            "children": [{"column": {"children": [paragraph(text)]}} for text in ("Left.", "Right.")]
        }
    }
    desk.sandbox.append(
        pages[0], desk.workspace.editor,
        [paragraph("Before."), bookmark, {"breadcrumb": {}}, columns, {"table_of_contents": {}}],
    )  # fmt: skip
    read_texts(desk)
    task = desk.task_of(pages[0])
    assert "[🔖 https://example.test/a](https://example.test/a)" in task.description
    assert "⧉ Columns" in task.description

    desk.edit(task, description=task.description.replace("Left.", "Left, edited.").replace("Before.", "New."))
    desk.send()

    assert text_there(desk, task) == [
        "paragraph: New.", "bookmark: ", "breadcrumb: ", "column_list: ", "  column: ", "    paragraph: Left, edited.",
        "  column: ", "    paragraph: Right.", "table_of_contents: ",
    ]  # fmt: skip


def test_colours_and_mentions_of_words_that_stay_are_kept(desk: Desk, pages: list[str]) -> None:
    user = desk.workspace.users[0]
    runs = [
        {"text": {"content": "Careful: "}, "annotations": {"color": "red", "bold": True}},
        {"text": {"content": "ask "}},
        {"mention": {"user": {"id": user["id"]}}},
        {"text": {"content": " first"}},
    ]
    desk.sandbox.append(pages[0], desk.workspace.editor, [{"paragraph": {"rich_text": runs}}])
    read_texts(desk)
    task = desk.task_of(pages[0])
    assert task.description == f"**Careful:** ask @{user['name']} first"

    desk.edit(task, description=f"**Careful:** please ask @{user['name']} at once")
    desk.send()

    workspace, _ = desk.sandbox.holder_of(pages[0])
    block = workspace.item("block", workspace.children[pages[0]][-1])
    assert block is not None
    found = block.obj["paragraph"]["rich_text"]
    assert [run["type"] for run in found] == ["text", "text", "mention", "text"]
    assert found[0]["annotations"]["color"] == "red"
    assert found[2]["mention"]["user"]["id"] == user["id"]
    assert "".join(run["plain_text"] for run in found) == f"Careful: please ask @{user['name']} at once"


@pytest.mark.parametrize("kind", ["reset", "commit_then_reset"])
def test_an_answer_that_was_lost_leads_to_a_second_look_and_no_second_paragraph(
    desk: Desk, written: Task, sandbox: Sandbox, kind: str
) -> None:
    desk.edit(written, description="One.\n\nTwo.\n\nThree.\n\nFour.\n\n## Five")
    sandbox.fault(kind=kind, operation="PATCH /v1/blocks/{block_id}/children")

    for _ in range(4):
        desk.send()

    assert text_there(desk, written)[3:] == ["paragraph: Four.", "heading_2: Five"]
    assert not Push.objects.exists()


def test_a_text_that_is_refused_waits_for_somebody_and_the_values_go_without_it(
    desk: Desk, written: Task, sandbox: Sandbox
) -> None:
    sandbox.fault(kind="status", status=403, operation="PATCH /v1/blocks/{block_id}", times=None)
    desk.edit(written, title="Sent", description="One, edited.\n\nTwo.\n\nThree.")

    desk.send()

    assert desk.title(page_of(written)) == "Sent"
    push = Push.objects.parked().get()
    assert (push.error_code, push.error_field) == ("push_forbidden", "description")


def test_a_description_that_has_a_column_of_its_own_is_not_the_text_of_the_page(
    desk: Desk, written: Task
) -> None:
    FieldMapping.objects.create(
        collection=desk.collection, our_field="description", remote_field_id="note", remote_kind="text"
    )
    desk.edit(written, description="Only in the column")

    desk.send()
    read_texts(desk)

    assert text_there(desk, written) == ["paragraph: One.", "paragraph: Two.", "paragraph: Three."]
    written.refresh_from_db()
    assert written.description == "Only in the column"
