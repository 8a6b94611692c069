"""The edits people make in the living demo: what they send to the sandbox and how it is told in one line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any

from integrations.sandbox.notion.content.body import Node, parse
from integrations.sandbox.notion.content.grammar import Grammar, comments_of, company_named, patterns_of
from integrations.sandbox.notion.content.living import LivePage, LiveTable, day_of
from integrations.sandbox.notion.content.values import Json, date_value, plain

_FORWARD = {
    "planned": "in_progress",
    "blocked": "in_progress",
    "in_progress": "in_review",
    "in_review": "done",
}
_SHORT_CUT_SHARE = 0.25
"""Share of the tasks in progress that are finished without a review."""
_NUMERIC_PRIORITY = {"urgent": 1, "high": 2, "medium": 3, "low": 4}
_MAX_CHILDREN = 40


@dataclass(frozen=True, slots=True)
class DemoEdit:
    """One edit: the control verb and body that carry it out, who does it, and what changes in words."""

    kind: str
    table: LiveTable
    verb: str
    body: Json
    person: str
    title: str
    change: str


def _request_text(parts: list[Json]) -> list[Json]:
    """Return rich text as a request takes it: without what Notion works out itself."""
    kept = []
    for part in parts:
        if part["type"] == "mention":
            user = {"type": "user", "user": {"id": part["mention"]["user"]["id"]}}
            kept.append({"type": "mention", "mention": user})
        else:
            kept.append({"type": "text", "text": part["text"], "annotations": part["annotations"]})
    return kept


def _request_block(node: Node) -> Json:
    """Return a block as a request takes it, with what is nested in it."""
    content: dict[str, Any] = dict(node.content)
    if "rich_text" in content:
        content["rich_text"] = _request_text(content["rich_text"])
    if "cells" in content:
        content["cells"] = [_request_text(cell) for cell in content["cells"]]
    if node.children:
        content["children"] = [_request_block(child) for child in node.children]
    return {"object": "block", "type": node.kind, node.kind: content}


class EditWriter:
    """Writes edits for one day and one source of chance."""

    def __init__(self, random: Random, today: date) -> None:
        self._random = random
        self._today = today
        self._kinds: dict[str, Callable[[LiveTable], DemoEdit | None]] = {
            "status": self._status,
            "due": self._due,
            "title": self._title,
            "comment": self._comment,
            "people": self._people,
            "new": self.new_task,
        }

    def write(self, kind: str, table: LiveTable) -> DemoEdit | None:
        """Return an edit of this kind, or None when the table offers nothing for it."""
        return self._kinds[kind](table)

    def _grammar(self, table: LiveTable) -> Grammar:
        return Grammar(company_named(table.workspace.company), table.workspace.language, self._random)

    def _pick(self, table: LiveTable) -> LivePage | None:
        pages = table.open_pages()
        return self._random.choice(pages) if pages else None

    def _editor(self, table: LiveTable, page: LivePage | None) -> str:
        """Return who edits: mostly somebody the task is assigned to."""
        mine = [user for user in page.people if user in table.people] if page else []
        return self._random.choice(mine if mine and self._random.random() < 0.8 else list(table.people))

    def _edit(self, kind: str, table: LiveTable, page: LivePage, properties: Json, change: str) -> DemoEdit:
        editor = self._editor(table, page)
        body = {"page_id": page.id, "as": editor, "patch": {"properties": properties}}
        return DemoEdit(kind, table, "edit", body, table.people[editor], page.title, change)

    def _status(self, table: LiveTable) -> DemoEdit | None:
        """Move a task one step on; the last step also fills the completion date."""
        page = self._pick(table)
        if page is None:
            return None
        done = table.column("done")
        if done is not None:
            return self._edit("status", table, page, {done.name: {"checkbox": True}}, f"{done.name} ✓")
        status = table.column("status")
        if status is None:
            return None
        after = _FORWARD[page.status]
        if after == "in_review" and self._random.random() < _SHORT_CUT_SHARE:
            after = "done"
        label = status.options[after][0]
        properties: Json = {status.name: {status.type: {"name": label}}}
        completed = table.column("completed")
        if after == "done" and completed is not None:
            properties[completed.name] = {"date": date_value(self._today)}
        return self._edit("status", table, page, properties, f"{status.options[page.status][0]} → {label}")

    def _due(self, table: LiveTable) -> DemoEdit | None:
        """Shift a due date, mostly to a later working day; a range keeps its length."""
        page, due = self._pick(table), table.column("due") or table.column("span")
        if page is None or due is None:
            return None
        start, end = day_of(page.due_start), day_of(page.due_end)
        days = self._random.choice((-2, -1, 1, 2, 3, 5, 7, 7, 10, 14))
        late = end or start
        moved = max(late or self._today, self._today) + timedelta(days=days)
        moved = max(moved, self._today)
        moved += timedelta(days=max(0, 7 - moved.weekday()) if moved.weekday() >= 5 else 0)
        begins = None if start is None or end is None else moved - (end - start)
        value = date_value(moved) if begins is None else date_value(begins, moved)
        before = "none" if late is None else late.isoformat()
        return self._edit("due", table, page, {due.name: {"date": value}}, f"due {before} → {moved}")

    def _title(self, table: LiveTable) -> DemoEdit | None:
        """Correct a title: a remark at the end comes or goes."""
        page, title = self._pick(table), table.column("title")
        if page is None or title is None or len(page.title) > 150:
            return None
        grammar = self._grammar(table)
        suffixes = comments_of(table.workspace.language, "suffixes")
        old = next((s for s in suffixes if "{" not in s and page.title.endswith(s)), None)
        if old is not None:
            text = page.title.removesuffix(old)
        elif page.title.endswith(")"):
            return None
        else:
            text = page.title + grammar.fill(self._random.choice(suffixes), grammar.story(self._today))
        value = {"title": _request_text(plain(text))}
        return self._edit("title", table, page, {title.name: value}, f"title: {text}")

    def _comment(self, table: LiveTable) -> DemoEdit | None:
        """Write a line below a task, as people do who have no time for a comment thread."""
        page = self._pick(table)
        if page is None:
            return None
        grammar, editor = self._grammar(table), self._editor(table, page)
        words = self._random.choice(comments_of(table.workspace.language, "comments"))
        line = grammar.fill(words, grammar.story(self._today))
        name = table.people[editor]
        nodes = parse(f"- **{name}, {self._today:%d.%m.}:** {line}", {})
        body = {"block_id": page.id, "as": editor, "children": [_request_block(node) for node in nodes]}
        return DemoEdit("comment", table, "append", body, name, page.title, f"wrote: {line}")

    def _people(self, table: LiveTable) -> DemoEdit | None:
        """Hand a task over, or ask a second person to join."""
        page, people = self._pick(table), table.column("people")
        if page is None or people is None:
            return None
        others = [user for user in table.people if user not in page.people]
        if not others:
            return None
        joins = len(page.people) == 1 and self._random.random() < 0.4
        newcomer = self._random.choice(others)
        now = [*page.people, newcomer] if joins else [newcomer]
        names = ", ".join(table.people.get(user, "a guest") for user in now)
        value = {"people": [{"object": "user", "id": user} for user in now]}
        return self._edit("people", table, page, {people.name: value}, f"{people.name}: {names}")

    def new_task(self, table: LiveTable) -> DemoEdit:
        """Write down a new task, half of them with a body."""
        random, shape = self._random, table.shape
        department = random.choices(list(shape.departments), list(shape.departments.values()))[0]
        pattern = random.choice(patterns_of(table.workspace.language, department))
        grammar = self._grammar(table)
        story = grammar.story(self._today)
        title = grammar.title(pattern.title, story)
        editor = self._editor(table, None)
        properties = self._new_properties(table, title, department, pattern.hours)
        parent = {"type": "data_source_id", "data_source_id": table.data_source_id}
        page: Json = {"parent": parent, "properties": properties}
        if random.random() < 0.5:
            nodes = parse(grammar.body(pattern.kind, story), {})[:_MAX_CHILDREN]
            page["children"] = [_request_block(node) for node in nodes]
        body = {"as": editor, "page": page}
        return DemoEdit("new", table, "create", body, table.people[editor], title, "wrote a new task")

    def _new_properties(self, table: LiveTable, title: str, department: str, hours: float) -> Json:
        """Return the values of a new task for the columns this table has."""
        random = self._random
        due = self._today + timedelta(days=random.randint(2, 24))
        priority = random.choices(("low", "medium", "high", "urgent"), (25, 45, 22, 8))[0]
        values: Json = {}
        for column in table.shape.columns:
            label = column.options.get(
                {"status": "planned", "priority": priority}.get(column.role, department)
            )
            match column.role:
                case "title":
                    values[column.name] = {"title": _request_text(plain(title))}
                case "status" | "department" if label:
                    values[column.name] = {column.type: {"name": label[0]}}
                case "priority" if column.type == "number":
                    values[column.name] = {"number": _NUMERIC_PRIORITY[priority]}
                case "priority" if label:
                    values[column.name] = {"select": {"name": label[0]}}
                case "people":
                    chosen = random.choice(list(table.people))
                    values[column.name] = {"people": [{"object": "user", "id": chosen}]}
                case "due" | "span":
                    values[column.name] = {"date": date_value(due)}
                case "estimate":
                    values[column.name] = {"number": hours}
                case "project" if table.projects:
                    values[column.name] = {"relation": [{"id": random.choice(table.projects)}]}
        return values
