"""Writes reach the sandbox as Notion takes them, one call each, and come back as they were sent."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from integrations.capabilities import (
    DateSpan,
    FieldKind,
    InvalidRecordValue,
    ProblemKind,
    RecordOrder,
    RecordQuery,
    RemoteFile,
    RemoteOption,
    RemotePerson,
    RemotePlace,
    RemoteValue,
    SourceError,
    ValueData,
)
from integrations.connectors.notion.writing import WRITABLE_KINDS
from tests.integrations.connectors.notion.conftest import Desk
from tests.integrations.sandbox.notion import sample

SUMMER = timezone(timedelta(hours=2))


def known(options: list[sample.Json], name: str) -> RemoteOption:
    found = next(option for option in options if option["name"] == name)
    return RemoteOption(found["id"], found["name"], found["color"])


WRITES: list[tuple[str, ValueData]] = [
    ("Name", "A new name"),
    ("Name", ""),
    ("Notes", "Grüße, 日本 and 🦊 in one line\nand the next"),
    ("Notes", "x" * 1999 + "🦊" + "y" * 4000),
    ("Hours", 2.5),
    ("Hours", -3.0),
    ("Hours", None),
    ("Archived", True),
    ("Archived", False),
    ("Link", "https://example.test/" + "a" * 1900),
    ("Link", ""),
    ("Contact", "ada@example.test"),
    ("Contact", "a" * 150 + "@example.test"),
    ("Contact", ""),
    ("Phone", "+49 112"),
    ("Phone", ""),
    ("Status", (known(sample.STATUSES, "Done"),)),
    ("Status", ()),
    ("Priority", (known(sample.PRIORITIES, "High"),)),
    ("Priority", ()),
    ("Tags", (known(sample.TAGS, "design"), known(sample.TAGS, "urgent"))),
    ("Tags", ()),
    ("Due", DateSpan(date(2026, 8, 1))),
    ("Due", DateSpan(date(2026, 8, 1), date(2026, 8, 9))),
    ("Due", DateSpan(datetime(2026, 8, 1, 9, 30, tzinfo=UTC), datetime(2026, 8, 1, 11, tzinfo=UTC))),
    ("Due", DateSpan(datetime(2026, 8, 1, 9, 30, tzinfo=SUMMER))),
    ("Due", None),
    ("Owner", (RemotePerson(sample.BEN, "Ben Sample", "ben@example.test"),)),
    ("Owner", ()),
    ("Blocked by", (sample.task_id(2), sample.task_id(3))),
    ("Blocked by", ()),
    ("Files", (RemoteFile("plan", "https://example.test/plan"),)),
    ("Files", ()),
    ("Place", RemotePlace(52.5, 13.4, "Office", "Am Hof 1")),
    ("Place", None),
]


@pytest.mark.parametrize(("column", "data"), WRITES)
def test_what_was_written_is_what_comes_back(desk: Desk, column: str, data: ValueData) -> None:
    values = desk.value(column, data)
    assert desk.sink.check(desk.fields(), values) == []

    answered = desk.sink.update_record(sample.task_id(1), values)

    assert desk.held(answered, column).data == data
    assert desk.held(desk.source.record(sample.task_id(1)), column).data == data


def test_every_kind_that_can_be_written_has_been(desk: Desk) -> None:
    assert {desk.columns[name].kind for name, _ in WRITES} == WRITABLE_KINDS


def test_everything_comes_back_from_a_new_record_too(desk: Desk) -> None:
    values: dict[str, RemoteValue] = {}
    for name, data in WRITES:
        values |= {} if data in (None, "", ()) else desk.value(name, data)

    made = desk.sink.create_record(sample.TASKS, values, body="First.\n\nSecond.")

    assert {key: made.values[key].data for key in values} == {key: item.data for key, item in values.items()}
    assert desk.source.body(made.id).markdown == "First.\n\nSecond."
    assert [method for method, _, _ in desk.http.bodies].count("POST") == 1


def test_only_what_was_given_is_sent_and_by_its_id(desk: Desk) -> None:
    desk.sink.update_record(sample.task_id(1), desk.value("Hours", 4.0))

    assert desk.http.bodies == [
        ("PATCH", f"/v1/pages/{sample.task_id(1)}", {"properties": {"eStH": {"number": 4}}})
    ]


def test_a_known_option_goes_by_its_id_and_a_new_one_by_its_name(desk: Desk) -> None:
    high = known(sample.PRIORITIES, "High")
    desk.sink.update_record(sample.task_id(1), desk.value("Priority", (high,)))
    assert desk.http.sent == {"properties": {"a%5Dqs": {"select": {"id": high.id}}}}

    answered = desk.sink.update_record(sample.task_id(1), desk.value("Priority", (RemoteOption("", "Top"),)))
    assert desk.held(answered, "Priority").options[0].name == "Top"
    assert "Top" in [option.name for option in desk.source.collection(sample.TASKS).fields[2].options]


def test_a_record_goes_into_the_trash_and_comes_out_again(desk: Desk) -> None:
    assert desk.sink.trash_record(sample.task_id(1)).is_trashed
    assert not desk.sink.restore_record(sample.task_id(1)).is_trashed


def test_a_text_column_is_added_and_records_are_found_by_it(desk: Desk) -> None:
    collection = desk.sink.add_text_field(sample.TASKS, name="Task Sync ID")
    column = next(field for field in collection.fields if field.name == "Task Sync ID")
    mark = RemoteValue(column.id, FieldKind.TEXT, "one")
    desk.sink.update_record(sample.task_id(2), {column.id: mark})

    def find(*texts: str) -> list[str]:
        found = desk.sink.records_with(sample.TASKS, field_id=column.id, kind=FieldKind.TEXT, texts=texts)
        return [record.id for record in found]

    assert (find("one"), find("none"), find("none", "one")) == ([sample.task_id(2)], [], [sample.task_id(2)])


def test_a_hundred_records_are_read_by_their_number_in_one_call(desk: Desk) -> None:
    column = desk.columns["ID"]
    texts = [f"OPS-{number}" for number in (2, 4, 77)]

    page = desk.source.records_with(sample.TASKS, field_id=column.id, kind=column.kind, texts=texts)

    assert [record.id for record in page.records] == [sample.task_id(2), sample.task_id(4)]
    assert len(desk.http.bodies) == 1


@pytest.mark.parametrize("count", [0, 101])
def test_more_than_one_call_can_ask_is_not_asked(desk: Desk, count: int) -> None:
    with pytest.raises(ValueError, match="1 to 100"):
        desk.source.records_with(sample.TASKS, field_id="nOtE", kind=FieldKind.TEXT, texts=["x"] * count)
    assert desk.http.bodies == []


def test_ids_alone_are_read_cheaply(desk: Desk) -> None:
    query = RecordQuery(sample.TASKS, RecordOrder.CREATED, field_ids=("title",))

    page = desk.source.records(query)

    assert [record.title for record in page.records] == [f"Task {number}" for number in range(1, 6)]
    assert {len(record.values) for record in page.records} == {1}


def test_what_notion_would_refuse_never_leaves(desk: Desk) -> None:
    with pytest.raises(InvalidRecordValue) as refusal:
        desk.sink.update_record(sample.task_id(1), desk.value("Contact", "nobody"))

    assert desk.http.bodies == []
    assert refusal.value.problems[0].limit == "e-mail address"


def test_a_write_whose_answer_makes_no_sense_was_carried_out(desk: Desk) -> None:
    desk.sandbox.fault(status=200, body='{"object": "page", "id": "p1"}', match="PATCH /v1/pages")

    with pytest.raises(SourceError) as failure:
        desk.sink.update_record(sample.task_id(1), desk.value("Hours", 4.0))

    error = failure.value
    assert (error.kind, error.is_committed, error.committed_id) == (ProblemKind.UNREADABLE, True, "p1")
