"""Whatever value passes the checks is taken by Notion's description and by the sandbox, and read back the same."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.capabilities import (
    DateSpan,
    FieldKind,
    RemoteFile,
    RemoteOption,
    RemotePerson,
    RemotePlace,
    RemoteValue,
    ValueData,
)
from integrations.connectors.notion.checks import problems_without_schema
from integrations.connectors.notion.mapping import collection_from_json
from integrations.connectors.notion.values import value_from_json
from integrations.connectors.notion.writing import WRITABLE_KINDS, value_to_json
from integrations.sandbox.notion.errors import NotionError
from integrations.sandbox.notion.properties import written_values
from integrations.sandbox.notion.sandbox import Sandbox
from tests.integrations.connectors.notion.recording import without_gaps
from tests.integrations.sandbox.notion import contract, sample

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=300)
LONG = st.builds(lambda part, times: part * times, TEXTS, st.integers(1, 30))
NAMES = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"], exclude_characters=","),
    min_size=1,
    max_size=50,
)
ZONES = st.integers(-12 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
DAYS = st.dates(date(1970, 1, 1), date(2199, 12, 31))
#: The engine compares moments by the minute, and so does Notion's own window.
MOMENTS = st.builds(
    lambda day, minutes, zone: datetime.combine(day, datetime.min.time(), zone) + timedelta(minutes=minutes),
    st.dates(date(1970, 1, 2), date(2199, 12, 30)),
    st.integers(0, 24 * 60 - 1),
    ZONES,
)
KNOWN_TAGS = [RemoteOption(tag["id"], tag["name"], tag["color"]) for tag in sample.TAGS]
KNOWN_STATUSES = [RemoteOption(one["id"], one["name"], one["color"]) for one in sample.STATUSES]
NEW_OPTIONS = NAMES.map(lambda name: RemoteOption("", name))


def span(ends: st.SearchStrategy[Any]) -> st.SearchStrategy[DateSpan]:
    alone = ends.map(DateSpan)
    both = st.tuples(ends, ends).map(sorted).map(lambda pair: DateSpan(pair[0], pair[1]))
    return alone | both


VALUES: dict[FieldKind, tuple[str, st.SearchStrategy[Any]]] = {
    FieldKind.TITLE: ("Name", LONG),
    FieldKind.TEXT: ("Notes", LONG),
    FieldKind.NUMBER: ("Hours", st.none() | st.floats(allow_nan=False, allow_infinity=False)),
    FieldKind.CHOICE: ("Priority", st.just(()) | NEW_OPTIONS.map(lambda option: (option,))),
    FieldKind.STATUS: ("Status", st.just(()) | st.sampled_from(KNOWN_STATUSES).map(lambda option: (option,))),
    FieldKind.CHOICES: (
        "Tags",
        st.lists(st.sampled_from(KNOWN_TAGS) | NEW_OPTIONS, max_size=20, unique_by=lambda one: one.name).map(
            tuple
        ),
    ),
    FieldKind.DATE: ("Due", st.none() | span(DAYS) | span(MOMENTS)),
    FieldKind.PEOPLE: (
        "Owner",
        st.lists(st.sampled_from([sample.ADA, sample.BEN]), unique=True).map(
            lambda ids: tuple(RemotePerson(one) for one in ids)
        ),
    ),
    FieldKind.FILES: (
        "Files",
        st.lists(
            st.builds(RemoteFile, NAMES, NAMES.map(lambda name: f"https://x.example/{name}")), max_size=5
        ).map(tuple),
    ),
    FieldKind.CHECKBOX: ("Archived", st.booleans()),
    FieldKind.URL: ("Link", st.just("") | NAMES.map(lambda name: f"https://x.example/{name}")),
    FieldKind.EMAIL: ("Contact", st.just("") | NAMES.map(lambda name: f"{name.replace('@', '')}x@x.example")),
    FieldKind.PHONE: ("Phone", st.just("") | NAMES),
    FieldKind.RELATION: (
        "Blocked by",
        st.lists(st.integers(1, 5), unique=True).map(lambda numbers: tuple(map(sample.task_id, numbers))),
    ),
    FieldKind.PLACE: (
        "Place",
        st.none() | st.builds(RemotePlace, st.floats(-90, 90), st.floats(-180, 180), NAMES, NAMES),
    ),
}


@pytest.fixture(scope="module")
def world() -> Sandbox:
    held = Sandbox(budget=None)
    held.add_workspace(sample.workspace_line(), [*sample.frame_objects(), *sample.tasks(5)])
    return held


def test_every_kind_that_can_be_written_has_values() -> None:
    assert VALUES.keys() == WRITABLE_KINDS


@pytest.mark.parametrize("kind", sorted(VALUES))
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_value_comes_back_as_it_was_written(world: Sandbox, kind: FieldKind, data: st.DataObject) -> None:
    column, values = VALUES[kind]
    value = RemoteValue("x", kind, data.draw(values))
    assert problems_without_schema({"x": value}) == []

    body = {"properties": {column: value_to_json(value)}}
    if contract.is_available:
        contract.assert_request_conforms("PATCH /v1/pages/{page_id}", without_gaps(body))
    workspace = world.workspace(sample.TOKEN)
    source = workspace.item("data_source", sample.TASKS)
    stored, _ = written_values(workspace, source, body["properties"], "body.properties")

    assert comparable(value_from_json("x", stored[column])) == comparable(value)


def comparable(value: RemoteValue) -> ValueData:
    """The value without what Notion adds: the names of people, the ids and colours of options."""
    if value.people:
        return tuple(person.id for person in value.people)
    if value.options:
        return tuple(option.name for option in value.options)
    return value.data


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=400), times=st.integers(1, 12))
def test_a_text_is_either_refused_by_us_or_taken_by_notion(world: Sandbox, text: str, times: int) -> None:
    value = RemoteValue("x", FieldKind.TEXT, text * times)
    workspace = world.workspace(sample.TOKEN)
    source = workspace.item("data_source", sample.TASKS)
    if problems_without_schema({"x": value}):
        return
    try:
        written_values(workspace, source, {"Notes": value_to_json(value)}, "body.properties")
    except NotionError as refusal:
        pytest.fail(f"Notion would have refused it: {refusal}")


def test_columns_of_every_type_are_read(world: Sandbox) -> None:
    source = world.workspace(sample.TOKEN).item("data_source", sample.TASKS)
    assert source is not None

    fields = collection_from_json(source.obj).fields

    assert {field.kind for field in fields} == set(FieldKind) - {FieldKind.UNKNOWN}


def test_moments_keep_their_milliseconds_and_lose_what_is_finer() -> None:
    fine = DateSpan(datetime(2026, 7, 1, 9, 0, 0, 123_456, tzinfo=UTC))

    written = value_to_json(RemoteValue("x", FieldKind.DATE, fine))

    assert written["date"]["start"] == "2026-07-01T09:00:00.123+00:00"
