"""Two filled companies: every body and form of one with the other's ids in it."""

from collections.abc import Iterator
from typing import Any

from django.db import transaction
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from tenants.tenancy import atomic
from tenants.tenancy.transactions import current_alias
from tests.architecture.canary import Canary, rows_of
from tests.architecture.canary_addresses import addresses, send
from tests.architecture.routes import ROUTES

ROW_OF = {
    "tasks": "tasks.Task", "projects": "tasks.Project", "connections": "integrations.Connection",
    "milestones": "tasks.Milestone", "collections": "integrations.SyncedCollection",
    "sync-runs": "integrations.SyncRun",
}  # fmt: skip


# What a field of this name points at, where the name does not say it.
POINTS_AT = {
    "assignee": "tasks.Person", "lead": "tasks.Person", "parent": "tasks.Task", "depends_on": "tasks.Task",
    "blocked_by": "tasks.Task",
}  # fmt: skip


# Texts by their format or by the name of their field, where not every text will do.
WRITTEN = {"date": "2026-11-22", "date-time": "2026-11-22T09:00:00Z", "uri": "https://ours.example/", "key": "OURS",
           "time_zone": "Europe/Berlin", "status": "planned"}  # fmt: skip


def id_for(name: str, canary: Canary, turn: int) -> str:
    """The id a field of this name asks for in the first turn, then each of the others."""
    fitting = [
        pk
        for label, pk in canary.ids.items()
        if label.rpartition(".")[2].lower() in name.replace("_", "")
        or any(word in name and label == target for word, target in POINTS_AT.items())
    ]
    ids = [*fitting[:1], *canary.ids.values()]
    return str(ids[turn % len(ids)])


def values_for(
    schema: dict[str, Any], components: dict[str, Any], canary: Canary, turn: int, name: str = ""
) -> Any:
    """A value of the described form; wherever an id may stand, it is the company's."""
    if "$ref" in schema:
        return values_for(components[schema["$ref"].rpartition("/")[2]], components, canary, turn, name)
    for word in ("allOf", "oneOf", "anyOf"):
        if word in schema:
            return values_for(schema[word][0], components, canary, turn, name)
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            return {
                name: values_for(part, components, canary, turn, name)
                for name, part in schema.get("properties", {}).items()
                if not part.get("readOnly")
            }
        case "array":
            return [values_for(schema["items"], components, canary, turn, name)]
        case "string" if schema.get("format") == "uuid":
            return id_for(name, canary, turn)
        case "string" if schema.get("format") in WRITTEN:
            return WRITTEN[schema["format"]]
        case "string":
            return WRITTEN.get(name, "Written by us")
        case "boolean":
            return True
        case "integer" | "number":
            return 1
        case _:
            return None


def described_bodies(mine: Canary, theirs: Canary) -> Iterator[tuple[str, Any]]:
    """(operation, body) for each that takes one, as often as there are ids."""
    description = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
    components = description["components"]["schemas"]
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {})
            for body in list(content.values())[:1]:
                for turn in range(len(theirs.ids)):
                    yield f"{method} {path}", values_for(body["schema"], components, theirs, turn)
                # The same with nothing but our own in it: what is refused otherwise is refused for the ids.
                yield f"{method} {path}", values_for(body["schema"], components, mine, 0)


def test_no_body_with_another_companys_ids_reaches_it_or_is_taken_over(
    mine: Canary, theirs: Canary, asker: Client
) -> None:
    """Our own rows in the address, theirs in the body: nothing is shown, changed, or remembered."""
    before, wrong, taken = rows_of(theirs.tenant), [], set()
    for operation, body in described_bodies(mine, theirs):
        method, _, path = operation.partition(" ")
        noun = path.split("/")[3]
        row = ROW_OF.get(noun)
        ours = mine.rows[row] if row else None
        address = path.replace("{key}", getattr(ours, "key", "")).replace(
            "{id}", str(ours.pk if ours else "")
        )
        with atomic():
            answer = getattr(asker, method)(address, data=body, content_type="application/json")
            if answer.status_code < 300:
                taken.add(operation)
            wrong += problems(operation, answer.content.decode(), before, mine, theirs)
            transaction.set_rollback(True, using=current_alias())
    assert wrong == []
    # With our own ids they are good bodies: the others were refused for the ids.
    assert {"post /api/v1/tasks/", "post /api/v1/projects/"} <= taken


def test_no_form_with_another_companys_ids_reaches_it_or_is_taken_over(
    mine: Canary, theirs: Canary, asker: Client
) -> None:
    before, wrong = rows_of(theirs.tenant), []
    named = {label.rpartition(".")[2].lower(): str(pk) for label, pk in theirs.ids.items()}
    task, project = theirs.rows["tasks.Task"], theirs.rows["tasks.Project"]
    form: dict[str, Any] = {
        **named, **{f"{name}_id": pk for name, pk in named.items()}, **{f"{name}s": [pk] for name, pk in named.items()},
        "ids": [str(task.pk)], "assignee": named["person"], "assignees": [named["person"]], "lead": named["person"],
        "parent": str(task.pk), "depends_on": task.key, "task": task.key, "other": task.key,  # type: ignore[attr-defined]
        "title": "Written by us", "name": "Written by us", "body": "Written by us", "text": "Written by us",
        "workspace": named["connection"], "person": named["person"], "email": "somebody@canary.example",
        "role": "member", "priority": "2", "kind": "assign", "value": named["person"],
        "department": named["department"],
        "project": str(project.pk), "action": "assign", "token": "ntn_0000000000", "due_on": "2026-11-22",
        "status": "planned",
    }  # fmt: skip
    for route in ROUTES:
        if route.door != "console":
            continue
        for method in route.methods:
            ours = [*addresses(route, mine)]
            for address in ours:
                with atomic():
                    answer, text = send(asker, route, method, address, form)
                    # What names no row of ours is not asked further.
                    if answer.status_code != 404:
                        wrong += problems(f"{method} {address}", text, before, mine, theirs)
                    transaction.set_rollback(True, using=current_alias())
    assert wrong == []


def problems(what: str, text: str, before: str, mine: Canary, theirs: Canary) -> list[str]:
    """What went wrong with one request."""
    found = []
    # A form shows again what was typed: the key of a task is all it was given with the mark in it.
    if theirs.is_in(text.replace(theirs.rows["tasks.Task"].key, "")):  # type: ignore[attr-defined]
        found.append(f"{what} shows the other company's text")
    if rows_of(theirs.tenant) != before:
        found.append(f"{what} changes the other company")
    if strange := theirs.id_in(rows_of(mine.tenant)):
        found.append(f"{what} keeps {strange} of the other company")
    return found
