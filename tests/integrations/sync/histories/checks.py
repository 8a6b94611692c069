"""What must be true of a history at rest: both sides equal, no edit lost without a word, nothing there twice."""

from typing import Any

from integrations.models import Conflict, ExternalLink, Push
from integrations.sync.conflicts.services import choose
from tasks.models import Task
from tenants.accounts.access import SYSTEM
from tests.integrations.sync.histories.history import History
from tests.integrations.sync.histories.rows import FIELDS, HERE, SETS, TEXTS, THERE, Row

#: The field of a conflict about a record as a whole.
RECORD = "record"
OURS = {"people": "assignees", "blockers": "blocked_by", "text0": "description", "text1": "description"}
#: Fields with so few values that the same one comes again.
FEW = ("priority", "parent")


def rest_and_check(history: History) -> None:
    """Everything comes to rest, somebody decides what waits for a decision, and all is looked at."""
    history.settle()
    told = _told(history)
    for _ in range(4):
        if not _decide(history):
            break
        history.settle()
        for pk, fields in _told(history).items():
            told.setdefault(pk, set()).update(fields)
    check(history, told)
    Conflict.objects.all().delete()


def _told(history: History) -> dict[Any, set[str]]:
    """The fields people were told of, by task."""
    found: dict[Any, set[str]] = {}
    for task_id, name in Conflict.objects.values_list("task_id", "our_field"):
        found.setdefault(task_id, set()).add(name)
    return found


def _decide(history: History) -> bool:
    """Somebody takes a side in each conflict that waits; whether there was one."""
    waiting = list(Conflict.objects.open().order_by("created_at", "pk"))
    rows = {row.task_id: row for row in history.rows if row.task_id is not None}
    for number, conflict in enumerate(waiting):
        side = (Conflict.Side.LOCAL, Conflict.Side.REMOTE)[(number + conflict.created_at.second) % 2]
        choose(conflict_id=conflict.pk, side=side, actor=SYSTEM)
        row = rows[conflict.task_id]
        names = FIELDS if conflict.our_field == RECORD else [
            name for name in FIELDS if OURS.get(name, name) == conflict.our_field
        ]  # fmt: skip
        row.loose |= set(names)
        if conflict.our_field == RECORD:
            row.lives.append((HERE, side == Conflict.Side.LOCAL))
        history.told.append(f"somebody decides about {conflict.our_field} of {row.number}: {side}")
    return bool(waiting)


def check(history: History, told: dict[Any, set[str]]) -> None:
    """Raises AssertionError with the story. Then both sides agree anew."""
    story = "\n".join(history.told[-70:])
    failures = history.stage.workers.failures()
    assert not failures, f"jobs were given up: {failures}\n{story}"
    links = {link.remote_id: link for link in ExternalLink.objects.filter(task__isnull=False)}
    by_task = {link.task_id: link for link in links.values()}
    assert len(by_task) == len(links), f"two pages of one task\n{story}"
    for row in history.rows:
        link = links.get(row.page_id) if row.page_id else by_task.get(row.task_id)
        if link is not None:
            row.page_id, row.task_id = link.remote_id, link.task_id
    fields = ("state", "kind", "error_code", "error", "not_before", "task__title")
    pushes = list(Push.objects.values_list(*fields))
    assert not pushes, f"something is not sent: {pushes}\n{story}"
    pages = _pages(history)
    assert pages == {row.page_id for row in history.rows} - {""}, f"pages nobody made, or made twice\n{story}"
    known = [row for row in history.rows if row.task_id is not None]
    assert Task.objects.count() == len(known), f"tasks nobody made, or made twice\n{story}"
    here = history.sides.here(known)
    for row in history.rows:
        there = history.sides.there(row) if row.page_id else None
        _check_row(row, here.get(row.number), there, told.get(row.task_id, set()), story)


def _check_row(
    row: Row, here: dict[str, Any] | None, there: dict[str, Any] | None, told: set[str], story: str
) -> None:
    if here is None or there is None:
        is_alive = (here or there or {"alive": False})["alive"]
        assert not is_alive, f"{row.number} is on one side only\n{story}"
        return
    assert here["alive"] == there["alive"], (
        f"{row.number} lives on one side only: here {here['alive']}, there {there['alive']}, {row.lives}\n{story}"
    )
    last = dict(row.lives)
    if len(last) < 2 and not told & {RECORD}:
        expected = next(iter(last.values()), row.agreed["alive"])
        assert here["alive"] == expected, f"{row.number} is put away or back by nobody: {row.lives}\n{story}"
    if row.lives:
        row.loose |= set(FIELDS)
    if not here["alive"]:
        return
    for name in FIELDS:
        about = f"{name} of {row.number}: here {here[name]}, there {there[name]}, agreed {row.agreed[name]}"
        about += f", edits {row.edits.get(name)}, told {told}\n{story}"
        assert here[name] == there[name], f"not in step: {about}"
        if name in SETS:
            _check_set(row, name, here[name], about)
        else:
            _check_value(row, name, here[name], told, about)
    row.agree(here, is_alive=True)


def _check_value(row: Row, name: str, value: Any, told: set[str], about: str) -> None:
    edits, last = row.edits.get(name, []), row.sides(name)
    if name in row.loose:
        assert value in [row.agreed[name], *(edit[1] for edit in edits)], f"nobody ever said so: {about}"
        return
    if not last:
        assert value == row.agreed[name], f"changed by nobody: {about}"
    elif len(last) == 1:
        assert value in [edit[1] for edit in last.values()], (
            f"the only side that edited lost its edit: {about}"
        )
    else:
        assert value in [edit[1] for edit in last.values()], f"an older edit came back: {about}"
        final = edits[-1][1]
        # Where there are few values, somebody may have taken an edit back: that is none.
        is_taken_back = final in [row.agreed[name], *(edit[1] for edit in edits[:-1])]
        is_told = OURS.get(name, name) in told or name in row.overwritten
        assert is_told or value == final or is_taken_back, (
            f"the last edit is gone, and no conflict tells: {about}"
        )
    is_clear = len(edits) == 2 or name not in FEW
    if name in row.clashes and is_clear and row.agreed[name] not in [edit[1] for edit in edits]:
        is_told = OURS.get(name, name) in told or name in row.overwritten
        assert is_told or name in TEXTS, f"no conflict tells: {about}"


def _check_set(row: Row, name: str, found: set[Any], about: str) -> None:
    if name in row.loose:
        return
    edits = row.edits.get(name, [])
    for element in {edit[1] for edit in edits} | row.agreed[name] | found:
        last = {side: is_added for side, one, is_added in edits if one == element}
        if len(set(last.values())) == 2 or (name in row.overwritten and THERE in last):
            continue
        expected = next(iter(last.values()), element in row.agreed[name])
        assert (element in found) == expected, f"{element} is lost, or came back: {about}"


def _pages(history: History) -> set[str]:
    workspace = history.workspace
    held, _ = history.sandbox.holder_of(workspace.tasks_id)
    tables = {workspace.tasks_id, workspace.bugs_id}
    return {
        item.id for item in held.items["page"].values() if item.obj["parent"].get("data_source_id") in tables
    }
