"""Records turned into drafts; no database."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from integrations.capabilities import (
    DateSpan,
    FieldKind,
    RemoteOption,
    RemotePerson,
    RemoteRecord,
    RemoteValue,
)
from integrations.sync.translate import CollectionMapping, Known, MappedField, Translation, translate_task
from integrations.sync.vocabulary import OurField
from tasks.drafts import UNSET

MADE, EDITED = datetime(2026, 3, 1, 9, 0, tzinfo=UTC), datetime(2026, 3, 2, 10, 5, tzinfo=UTC)
TASK_ID, ANN_ID = UUID(int=1), UUID(int=2)
KINDS = {
    OurField.TITLE: FieldKind.TITLE,
    OurField.STATUS: FieldKind.STATUS,
    OurField.PRIORITY: FieldKind.CHOICE,
    OurField.DESCRIPTION: FieldKind.TEXT,
    OurField.ASSIGNEES: FieldKind.PEOPLE,
    OurField.DUE: FieldKind.DATE,
    OurField.START: FieldKind.DATE,
    OurField.COMPLETED: FieldKind.DATE,
    OurField.ESTIMATE: FieldKind.NUMBER,
    OurField.TAGS: FieldKind.CHOICES,
    OurField.DEPARTMENT: FieldKind.CHOICE,
    OurField.PROJECT: FieldKind.RELATION,
    OurField.PARENT: FieldKind.RELATION,
    OurField.BLOCKED_BY: FieldKind.RELATION,
}


def translated(
    values: dict[OurField, Any],
    *,
    kinds: dict[OurField, FieldKind] | None = None,
    options: dict[str, str] | None = None,
    department: str = "",
    known: Known | None = None,
) -> Translation:
    """Translate one record whose columns are called as our fields are."""
    all_kinds = KINDS | (kinds or {})
    fields = {ours: MappedField(ours, ours.value, all_kinds[ours], options or {}) for ours in values}
    content = {ours.value: RemoteValue(ours.value, all_kinds[ours], data) for ours, data in values.items()}
    record = RemoteRecord("p1", "c1", "https://x", MADE, EDITED, content)
    mapping = CollectionMapping("c1", "r1", fields, source="Space", department_name=department)
    people = {"u1": ANN_ID}
    known = known or Known(person_ids=people, project_names={"pr1": "Launch"})
    return translate_task(record, mapping, task_id=TASK_ID, known=known)


def test_everything_that_is_mapped_arrives() -> None:
    draft = translated(
        {
            OurField.TITLE: "  Two \n words ",
            OurField.STATUS: (RemoteOption("s1", "Doing"),),
            OurField.PRIORITY: (RemoteOption("p1", "P0"),),
            OurField.DESCRIPTION: "Why",
            OurField.ASSIGNEES: (RemotePerson("u1"), RemotePerson("bot", is_bot=True)),
            OurField.DUE: DateSpan(date(2026, 3, 9)),
            OurField.START: DateSpan(date(2026, 3, 3)),
            OurField.ESTIMATE: 2.345,
            OurField.TAGS: (RemoteOption("a", "A"), RemoteOption("b", " "), RemoteOption("c", "A")),
            OurField.DEPARTMENT: (RemoteOption("d", "Sales"),),
            OurField.PROJECT: ("pr1",),
        },
        options={"s1": "in_progress", "p1": "4"},
    ).draft

    assert (draft.title, draft.status, draft.priority) == ("Two words", "in_progress", 4)
    assert (draft.description, draft.assignee_ids) == ("Why", (ANN_ID,))
    assert (draft.start_on, draft.due_on, draft.due_at) == (date(2026, 3, 3), date(2026, 3, 9), None)
    assert draft.estimate_hours == Decimal("2.34")
    assert (draft.tags, draft.department_name, draft.project_name) == (("A",), "Sales", "Launch")
    assert (draft.source, draft.source_url) == ("Space", "https://x")
    assert (draft.created_at, draft.updated_at) == (MADE, EDITED)


def test_what_is_not_mapped_is_not_touched() -> None:
    draft = translated({OurField.TITLE: "Plan"}).draft

    for name in (
        "status",
        "priority",
        "due_on",
        "start_on",
        "tags",
        "assignee_ids",
        "project_name",
        "description",
    ):
        assert getattr(draft, name) is UNSET


def test_what_is_mapped_and_empty_is_emptied() -> None:
    draft = translated(
        {
            OurField.TITLE: "Plan",
            OurField.STATUS: (),
            OurField.PRIORITY: (),
            OurField.DUE: None,
            OurField.ESTIMATE: None,
            OurField.TAGS: (),
            OurField.PROJECT: (),
            OurField.ASSIGNEES: (),
        }
    ).draft

    assert (draft.status, draft.priority, draft.due_on, draft.due_at) == ("planned", 0, None, None)
    assert (draft.estimate_hours, draft.tags, draft.project_name, draft.assignee_ids) == (None, (), None, ())


def test_a_value_of_another_kind_than_mapped_is_not_touched() -> None:
    mapping = CollectionMapping(
        "c1", "r1", {OurField.PRIORITY: MappedField(OurField.PRIORITY, "p", FieldKind.CHOICE)}
    )
    record = RemoteRecord("p1", "c1", "", MADE, EDITED, {"p": RemoteValue("p", FieldKind.TEXT, "high")})

    draft = translate_task(record, mapping, task_id=TASK_ID, known=Known()).draft

    assert draft.priority is UNSET


def test_a_span_fills_both_ends_unless_the_start_is_mapped() -> None:
    span = DateSpan(date(2026, 3, 3), date(2026, 3, 9))
    start = DateSpan(date(2026, 3, 1))

    alone = translated({OurField.DUE: span}).draft
    with_start = translated({OurField.DUE: span, OurField.START: start}).draft

    assert (alone.start_on, alone.due_on) == (date(2026, 3, 3), date(2026, 3, 9))
    assert (with_start.start_on, with_start.due_on) == (date(2026, 3, 1), date(2026, 3, 9))


def test_a_due_moment_keeps_its_time_and_its_own_day() -> None:
    moment = datetime.fromisoformat("2026-03-09T23:30:00+02:00")

    draft = translated({OurField.DUE: DateSpan(moment)}).draft

    assert (draft.due_on, draft.due_at) == (date(2026, 3, 9), moment)


def test_a_finished_day_becomes_a_moment_of_that_day() -> None:
    draft = translated({OurField.COMPLETED: DateSpan(date(2026, 3, 9))}).draft

    assert draft.completed_at == datetime(2026, 3, 9, 12, tzinfo=UTC)


@pytest.mark.parametrize(("is_checked", "status"), [(True, "done"), (False, "planned")])
def test_a_checkbox_is_a_status(is_checked: bool, status: str) -> None:
    draft = translated(
        {OurField.STATUS: is_checked},
        kinds={OurField.STATUS: FieldKind.CHECKBOX},
        options={"true": "done", "false": "planned"},
    ).draft

    assert draft.status == status


@pytest.mark.parametrize(("number", "priority"), [(1.0, 4), (3.0, 2), (9.0, 1), (None, 0), (float("nan"), 0)])
def test_a_number_is_a_priority(number: float | None, priority: int) -> None:
    draft = translated(
        {OurField.PRIORITY: number},
        kinds={OurField.PRIORITY: FieldKind.NUMBER},
        options={"1": "4", "2": "3", "3": "2", "4": "1", "5": "1"},
    ).draft

    assert draft.priority == priority


@pytest.mark.parametrize("number", [float("inf"), float("nan"), -1.0, 1e300])
def test_an_impossible_estimate_is_left_out_and_noted(number: float) -> None:
    translation = translated({OurField.ESTIMATE: number})

    assert translation.draft.estimate_hours is UNSET
    assert [note.code for note in translation.notes] == ["unusable_number"]


def test_what_nobody_knows_is_noted_and_read_as_well_as_possible() -> None:
    translation = translated(
        {
            OurField.TITLE: " ",
            OurField.STATUS: (RemoteOption("new", "Wartet auf Kunde"),),
            OurField.PRIORITY: (RemoteOption("new", "Hoch"),),
            OurField.ASSIGNEES: (RemotePerson("u1"), RemotePerson("stranger")),
            OurField.PROJECT: ("elsewhere",),
        }
    )

    draft = translation.draft
    assert (draft.title, draft.status, draft.priority) == ("Untitled", "blocked", 3)
    assert (draft.assignee_ids, draft.project_name) == ((ANN_ID,), UNSET)
    assert sorted(note.code for note in translation.notes) == [
        "unknown_option",
        "unknown_option",
        "unknown_person",
        "unknown_project",
        "untitled",
    ]


def test_a_database_without_a_department_column_may_belong_to_one() -> None:
    assert translated({OurField.TITLE: "Plan"}, department="Sales").draft.department_name == "Sales"


def test_references_are_told_apart_even_when_empty() -> None:
    translation = translated({OurField.PARENT: (), OurField.BLOCKED_BY: ("p2", "p3")})

    assert translation.references == {"parent": (), "blocked_by": ("p2", "p3")}
