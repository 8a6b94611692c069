"""The document of a workspace: equal exactly when nothing was changed, and differences in sentences."""

from typing import Any

from integrations.describing.document import differences, fingerprint, relations_of, workspace_document
from integrations.describing.markdown import as_markdown


def column(column_id: str, name: str, remote_type: str = "rich_text", **more: Any) -> dict[str, Any]:
    return {"id": column_id, "name": name, "remote_type": remote_type, "options": [], **more}


def database(title: str, *columns: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "remote_id": title.lower(), "title": title, "url": "", "icon": "", "role": "tasks", "is_enabled": True,
        "department_name": "", "schema": list(columns), **more,
    }  # fmt: skip


def document(*databases: dict[str, Any], name: str = "North", mappings: Any = None) -> dict[str, Any]:
    return workspace_document(name=name, service="Notion", collections=databases, mappings=mappings or {})


def test_the_order_databases_come_in_makes_no_difference() -> None:
    one, other = database("Tasks", column("a", "Name")), database("Projects", column("b", "Name"))
    assert fingerprint(document(one, other)) == fingerprint(document(other, one))
    assert differences(document(one, other), document(other, one)) == []


def test_every_difference_is_told_in_a_sentence() -> None:
    low, high = {"id": "l", "name": "Low", "group": None}, {"id": "h", "name": "High", "group": None}
    before = document(
        database(
            "Tasks", column("a", "Name"), column("b", "Level", "select", options=[low]), column("c", "Old")
        ),
        database("Gone"),
    )
    fills = {
        "our_field": "priority",
        "remote_field_id": "b",
        "direction": "both",
        "policy": "newest",
        "state": "confirmed",
    }
    after = document(
        database(
            "Work", column("a", "Title"), column("b", "Level", "status", options=[{**low, "name": "Lowest"}, high]),
            column("d", "Plan", "relation", related_collection_id="plans"), remote_id="tasks", is_enabled=False,
            role="other",
        ),
        database("Plans"),
        name="South",
        mappings={"tasks": [fills]},
    )  # fmt: skip
    assert differences(before, after) == [
        "The database “Gone” is gone.",
        "The database “Plans” is new.",
        "The database “Tasks” is called “Work” now.",
        "“Work”: the column “Old” is gone.",
        "“Work”: the column “Name” is called “Title” now.",
        "“Work”: the column “Level” was select and is status now.",
        "“Work”, “Level”: the option “High” is new.",
        "“Work”, “Level”: the option “Low” is called “Lowest” now.",
        "“Work”: the column “Level” fills priority now.",
        "“Work”: the column “Plan” (relation) is new.",
        "“Work” is not read any more.",
        "“Work” holds other now.",
        "The workspace is called “South” now.",
    ]
    assert relations_of(after) == [("Work", "Plan", "Plans", True)]


def test_names_cannot_pretend_to_be_markup() -> None:
    evil = 'a|b](javascript:1) <img src=x> `"\nend'
    text = as_markdown(
        document(database(evil, column("r", evil, "relation", related_collection_id="elsewhere"))),
        version=1, changes=[f"“{evil}” is new."],
    )  # fmt: skip
    outside = text.split("```")[0] + text.split("```")[2]
    assert "<img" not in outside.replace("\\<img", "")
    assert all(
        line.count("|") - line.count("\\|") == 5 for line in outside.splitlines() if line.startswith("| ")
    )
    drawing = text.split("```")[1]
    assert all(line.count('"') % 2 == 0 for line in drawing.splitlines())
    assert drawing.count("-->") == 1
