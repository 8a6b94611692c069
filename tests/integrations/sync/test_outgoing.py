"""Our values written to a record and read back: what comes back is what was sent; no database."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.capabilities import (
    DateSpan,
    FieldKind,
    RemoteField,
    RemoteOption,
    RemoteRecord,
    RemoteValue,
)
from integrations.sync.canonical import Spelling, Values, due_value, incoming_values, moment_text
from integrations.sync.carrying import carried_values, dirty_fields
from integrations.sync.counterparts import Counterparts
from integrations.sync.outgoing import Outgoing, outgoing_values
from integrations.sync.translate import CollectionMapping, Known, MappedField, translate_task
from integrations.sync.vocabulary import OurField

NOW = datetime(2026, 3, 2, 10, 5, tzinfo=UTC)
ANN, BOB, NOBODY = (UUID(int=number) for number in (1, 2, 3))
COUNTERPARTS = Counterparts(
    people={str(ANN): "u-ann", str(BOB): "u-bob"},
    projects={"Launch": "p-launch", "Move": "p-move"},
    tasks={
        OurField.PARENT: {str(UUID(int=10)): "t-10"},
        OurField.BLOCKED_BY: {str(UUID(int=10)): "t-10", str(UUID(int=11)): "t-11"},
    },
    names={str(ANN): "Ann", str(BOB): "Bob", str(NOBODY): "Noa Example"},
)
KNOWN = Known(person_ids={"u-ann": ANN, "u-bob": BOB}, project_names={"p-launch": "Launch", "p-move": "Move"})
STATUSES = {
    "s1": "planned",
    "s2": "in_progress",
    "s3": "in_progress",
    "s4": "in_review",
    "s5": "done",
    "s6": "cancelled",
}
PRIORITIES = {"p1": "4", "p2": "3", "p3": "1"}
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
}
EMPTY: Values = {
    "title": "Call the bank",
    "status": "planned",
    "priority": 0,
    "description": "",
    "assignees": [],
    "due": None,
    "start": None,
    "completed": None,
    "estimate": None,
    "tags": [],
    "department": None,
    "project": None,
    "parent": None,
    "blocked_by": [],
}


def mapping_of(
    kinds: dict[OurField, FieldKind],
    *,
    options: dict[OurField, dict[str, str]] | None = None,
    columns: dict[OurField, str] | None = None,
    **about: Any,
) -> CollectionMapping:
    """A mapping whose columns are called as our fields are, unless `columns` says otherwise."""
    meanings = {OurField.STATUS: STATUSES, OurField.PRIORITY: PRIORITIES} | (options or {})
    fields = {
        item: MappedField(item, (columns or {}).get(item, item.value), kind, meanings.get(item, {}), **about)
        for item, kind in kinds.items()
    }
    return CollectionMapping("c1", "r1", fields)


def read_back(sent: Outgoing, mapping: CollectionMapping) -> Values:
    """What a reading of the record finds after the write."""
    record = RemoteRecord("r1", "c1", "https://there.example/r1", NOW, NOW, sent.values)
    translation = translate_task(record, mapping, task_id=UUID(int=99), known=KNOWN)
    return incoming_values(translation, mapping, spelling=Spelling())


def assert_comes_back(local: Values, mapping: CollectionMapping, **about: Any) -> None:
    carried = carried_values(local, mapping, COUNTERPARTS)
    assert carried_values(carried, mapping, COUNTERPARTS) == carried
    sent = outgoing_values(tuple(OurField), local, mapping, COUNTERPARTS, **about)
    found = read_back(sent, mapping)
    for name, value in found.items():
        assert value == carried[name], name
        assert sent.sent[name] == value
    # An empty completion of a task that is done says nothing; anything else is there.
    assert set(carried) - set(found) <= {"parent", "blocked_by", "completed"}


days = st.dates(min_value=date(1990, 1, 2), max_value=date(2090, 1, 1))
minutes = st.datetimes(min_value=datetime(1990, 1, 2), max_value=datetime(2090, 1, 1)).map(
    lambda moment: moment.replace(second=0, microsecond=0, tzinfo=UTC)
)
texts = st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=60)


@st.composite
def dues(draw: st.DrawFn) -> Any:
    if draw(st.booleans()):
        return draw(st.none() | days.map(lambda day: due_value(day, None)))
    moment = draw(minutes)
    offset = timezone(timedelta(hours=draw(st.integers(min_value=-12, max_value=14))))
    return due_value(moment.astimezone(offset).date(), moment)


@st.composite
def tasks(draw: st.DrawFn) -> Values:
    status = draw(st.sampled_from(sorted(set(STATUSES.values()) | {"blocked"})))
    return EMPTY | {
        "title": " ".join(draw(texts).split()) or "Untitled",
        "status": status,
        "priority": draw(st.integers(min_value=0, max_value=4)),
        "description": draw(texts),
        "assignees": sorted(draw(st.sets(st.sampled_from([str(ANN), str(BOB), str(NOBODY)])))),
        "due": draw(dues()),
        "start": draw(st.none() | days.map(lambda day: day.isoformat())),
        "completed": moment_text(draw(minutes)) if status == "done" else None,
        "estimate": draw(
            st.none()
            | st.decimals(min_value=0, max_value=999999, places=2, allow_nan=False).map(
                lambda n: f"{abs(n):.2f}"
            )
        ),
        "tags": sorted(draw(st.sets(st.sampled_from(["a", "B", "needs review", "ä"])))),
        "department": draw(st.sampled_from([None, "Sales", "Ops"])),
        "project": draw(st.sampled_from([None, "Launch", "Move"])),
    }


@given(tasks())
def test_what_is_sent_comes_back_as_it_was(task: Values) -> None:
    assert_comes_back(task, mapping_of(KINDS))


@given(tasks(), days)
def test_both_ends_of_a_span_in_one_column_come_back(task: Values, start: date) -> None:
    mapping = mapping_of({OurField.TITLE: FieldKind.TITLE, OurField.DUE: FieldKind.DATE})
    assert_comes_back(task, mapping)
    assert_comes_back(task | {"start": start.isoformat()}, mapping, kept={"due": [f"{start}T09:00:00+09:00"]})
    together = mapping_of(
        {OurField.TITLE: FieldKind.TITLE, OurField.DUE: FieldKind.DATE, OurField.START: FieldKind.DATE},
        columns={OurField.START: "due"},
    )
    assert_comes_back(task, together)


@given(tasks())
def test_columns_with_less_room_bring_back_what_fits(task: Values) -> None:
    kinds = KINDS | {
        OurField.STATUS: FieldKind.CHECKBOX,
        OurField.PRIORITY: FieldKind.NUMBER,
        OurField.TAGS: FieldKind.CHOICE,
        OurField.PROJECT: FieldKind.CHOICE,
        OurField.DEPARTMENT: FieldKind.CHOICES,
    }
    options = {
        OurField.STATUS: {"true": "done", "false": "planned"},
        OurField.PRIORITY: {"1": "4", "2": "3", "3": "2", "4": "1", "5": "1"},
    }
    assert_comes_back(task, mapping_of(kinds, options=options))
    assert_comes_back(task, mapping_of(KINDS | {OurField.PROJECT: FieldKind.TEXT}))


def test_a_status_without_an_option_there_is_no_edit_that_waits_to_be_sent() -> None:
    mapping = mapping_of({OurField.TITLE: FieldKind.TITLE, OurField.STATUS: FieldKind.STATUS})

    carried = carried_values(EMPTY | {"status": "blocked"}, mapping, COUNTERPARTS)

    assert carried["status"] == "in_progress"
    assert dirty_fields(carried, {"title": "Call the bank", "status": "in_progress"}, mapping) == []


def test_the_option_whose_meaning_is_sure_is_taken_before_one_that_is_guessed() -> None:
    mapping = mapping_of(
        {OurField.TITLE: FieldKind.TITLE, OurField.STATUS: FieldKind.STATUS}, doubtful=frozenset({"s2"})
    )

    sent = outgoing_values([OurField.STATUS], EMPTY | {"status": "in_progress"}, mapping, COUNTERPARTS)

    assert [item.id for item in sent.values["status"].options] == ["s3"]
    assert list(sent.values) == ["status"]


def test_somebody_without_an_account_there_is_reported_and_the_others_are_sent() -> None:
    mapping = mapping_of({OurField.ASSIGNEES: FieldKind.PEOPLE})

    sent = outgoing_values(
        [OurField.ASSIGNEES],
        EMPTY | {"assignees": [str(ANN), str(NOBODY)]},
        mapping,
        COUNTERPARTS,
        kept={"assignees": ["u-guest"]},
    )

    assert [item.id for item in sent.values["assignees"].people] == ["u-ann", "u-guest"]
    assert sent.sent["assignees"] == [str(ANN)]
    assert [item.detail for item in sent.not_carried] == ["Noa Example has no account in this workspace."]


def test_a_tag_that_is_an_option_already_goes_with_its_id() -> None:
    mapping = mapping_of({OurField.TAGS: FieldKind.CHOICES})
    schema = [RemoteField("tags", "Tags", FieldKind.CHOICES, "multi_select", (RemoteOption("o1", "old"),))]

    sent = outgoing_values(
        [OurField.TAGS], EMPTY | {"tags": ["new", "old"]}, mapping, COUNTERPARTS, schema=schema
    )

    assert [(item.id, item.name) for item in sent.values["tags"].options] == [("", "new"), ("o1", "old")]


def test_relations_are_sent_with_what_cannot_be_seen_from_here() -> None:
    mapping = mapping_of({OurField.PARENT: FieldKind.RELATION, OurField.BLOCKED_BY: FieldKind.RELATION})
    local = EMPTY | {"parent": str(UUID(int=10)), "blocked_by": [str(UUID(int=11)), str(UUID(int=77))]}

    sent = outgoing_values(tuple(OurField), local, mapping, COUNTERPARTS, kept={"blocked_by": ["t-hidden"]})

    assert sent.values["parent"].references == ("t-10",)
    assert sent.values["blocked_by"].references == ("t-11", "t-hidden")
    assert sent.sent["blocked_by"] == [str(UUID(int=11))]


@pytest.mark.parametrize(
    ("start", "due", "there", "span"),
    [
        ("2026-03-01", {"on": "2026-03-05", "at": None}, [], (date(2026, 3, 1), date(2026, 3, 5))),
        ("2026-03-09", {"on": "2026-03-05", "at": None}, [], (date(2026, 3, 5), None)),
        ("2026-03-01", None, [], None),
    ],
)
def test_a_span_holds_a_start_only_before_its_end(start: str, due: Any, there: list[str], span: Any) -> None:
    mapping = mapping_of({OurField.DUE: FieldKind.DATE})

    sent = outgoing_values(
        [OurField.START], EMPTY | {"start": start, "due": due}, mapping, COUNTERPARTS, kept={"due": there}
    )

    assert sent.values["due"] == RemoteValue("due", FieldKind.DATE, DateSpan(*span) if span else None)


def test_the_time_a_span_began_there_survives_a_new_end() -> None:
    mapping = mapping_of({OurField.DUE: FieldKind.DATE})
    local = EMPTY | {"start": "2026-03-01", "due": {"on": "2026-03-05", "at": "2026-03-05T16:00:00+00:00"}}

    sent = outgoing_values(
        [OurField.DUE], local, mapping, COUNTERPARTS, kept={"due": ["2026-03-01T09:00:00+01:00"]}
    )

    span = sent.values["due"].span
    assert span is not None
    assert span.start == datetime(2026, 3, 1, 9, tzinfo=timezone(timedelta(hours=1)))


def test_fields_from_there_only_unknown_or_waiting_are_not_sent() -> None:
    kinds = {
        OurField.TITLE: FieldKind.TITLE,
        OurField.STATUS: FieldKind.STATUS,
        OurField.COMPLETED: FieldKind.DATE,
    }
    local = carried_values(EMPTY | {"title": "New", "status": "done"}, mapping_of(kinds), COUNTERPARTS)
    base: Values = {"title": "Old", "status": "planned", "completed": "2026-03-01T09:00:00+00:00"}

    assert dirty_fields(local, base, mapping_of(kinds, direction="in")) == []
    assert dirty_fields(local, {}, mapping_of(kinds)) == []
    assert dirty_fields(local, base, mapping_of(kinds), open_fields=["status"]) == [OurField.TITLE]
    assert len(dirty_fields(local, base, mapping_of(kinds, direction="out"))) == 3
