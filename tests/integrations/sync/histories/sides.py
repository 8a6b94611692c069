"""What each side says of the rows of a history, in one form for both."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from integrations.models import ExternalLink
from tasks.models import Task, TaskAssignee, TaskDependency
from tests.integrations.sync.histories.rows import Row
from tests.integrations.sync.histories.stage import Stage

#: Our fields by the column that holds them.
COLUMNS: Final = {
    "title": "title", "esti": "estimate", "due%20": "due", "prio": "priority", "tags": "tags", "ownr": "people",
    "prnt": "parent", "blby": "blockers",
}  # fmt: skip


class Sides:
    """Looks at both sides; rows are told apart by their numbers."""

    def __init__(self, stage: Stage, rows: list[Row]) -> None:
        self._stage = stage
        self._rows = rows
        self._people_here = {person: number for number, person in stage.people.items()}
        self._people_there = {str(user["id"]): number for number, user in enumerate(stage.workspace.users)}
        self._priorities = {value: name for name, value in stage.priorities.items()}

    def here(self, rows: Iterable[Row]) -> dict[int, dict[str, Any]]:
        """The tasks of these rows, by the rows' numbers; three statements."""
        numbers = {row.task_id: row.number for row in self._rows if row.task_id is not None}
        wanted = {row.task_id: row.number for row in rows if row.task_id is not None}
        people, blockers = defaultdict(set), defaultdict(set)
        for task_id, person in TaskAssignee.objects.filter(task__in=wanted).values_list(
            "task_id", "person_id"
        ):
            people[task_id].add(self._people_here.get(person, person))
        for task_id, other in TaskDependency.objects.filter(task__in=wanted).values_list(
            "task_id", "depends_on_id"
        ):
            blockers[task_id].add(numbers.get(other, other))
        found = {}
        for task in Task.objects.filter(pk__in=wanted):
            first, _, rest = task.description.partition("\n\n")
            found[wanted[task.pk]] = {
                "title": task.title, "estimate": _whole(task.estimate_hours), "due": task.due_on,
                "priority": self._priorities.get(task.priority), "tags": set(task.tags),
                "parent": numbers.get(task.parent_id) if task.parent_id else None, "people": people[task.pk],
                "blockers": blockers[task.pk], "text0": first or None, "text1": rest or None,
                "alive": not task.is_archived,
            }  # fmt: skip
        return found

    def there(self, row: Row) -> dict[str, Any]:
        """The page of a row."""
        workspace, item = self._stage.sandbox.holder_of(row.page_id)
        values = {value["id"]: value for value in item.obj["properties"].values()}
        day, option = values["due%20"]["date"], values["prio"]["select"]
        texts = self._texts(workspace, row.page_id)
        return {
            "title": "".join(run["plain_text"] for run in values["title"]["title"]),
            "estimate": _whole(values["esti"]["number"]),
            "due": date.fromisoformat(day["start"][:10]) if day else None,
            "priority": option["id"].removeprefix("prio-") if option else None,
            "tags": {each["name"] for each in values["tags"]["multi_select"]},
            "people": {self._people_there[person["id"]] for person in values["ownr"]["people"]},
            "parent": next(iter(self._numbers(values["prnt"])), None),
            "blockers": set(self._numbers(values["blby"])),
            "text0": texts[0] if texts else None,
            "text1": "\n\n".join(texts[1:]) or None,
            "alive": not item.in_trash,
        }

    def believed(self, link: ExternalLink) -> dict[str, Any]:
        """What both sides agreed on last, as far as the product knows."""
        base: Mapping[str, Any] = link.base or {}
        tasks = {str(row.task_id): row.number for row in self._rows if row.task_id is not None}
        people = {str(person): number for person, number in self._people_here.items()}
        due, hours, parent = base.get("due"), base.get("estimate"), base.get("parent")
        return {
            "title": base.get("title"),
            "estimate": None if hours is None else _whole(Decimal(hours)),
            "due": date.fromisoformat(due["on"]) if due else None,
            "priority": self._priorities.get(base.get("priority") or 0),
            "tags": set(base.get("tags") or ()),
            "people": {people.get(each, each) for each in base.get("assignees") or ()},
            "parent": tasks.get(parent) if parent else None,
            "blockers": {tasks.get(each, each) for each in base.get("blocked_by") or ()},
        }

    def _numbers(self, relation: Mapping[str, Any]) -> list[Any]:
        numbers = {row.page_id: row.number for row in self._rows if row.page_id}
        return [numbers.get(each["id"], each["id"]) for each in relation["relation"]]

    def _texts(self, workspace: Any, page_id: str) -> list[str]:
        found = []
        for block_id in workspace.children.get(page_id, ()):
            item = workspace.item("block", block_id)
            if item is not None and not item.in_trash:
                runs = item.obj[item.obj["type"]].get("rich_text", [])
                found.append("".join(run["plain_text"] for run in runs))
        return found


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)
