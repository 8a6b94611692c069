"""Direction, rule and home of a database: decided with its mapping, followed by what is sent, without reading anew."""

from dataclasses import replace

import pytest

from integrations.models import FieldMapping, SyncRun
from integrations.sync.services import MappingChoice, confirm_mapping, current_choices
from tenants.accounts.access import SYSTEM
from tenants.foundation.errors import InvalidInput
from tests.integrations.sync.push.conftest import Desk


def decided(desk: Desk, our_field: str, **changes: str) -> list[MappingChoice]:
    """The mapping as it stands, with another decision about one field."""
    return [
        replace(choice, **changes) if choice.our_field == our_field else choice  # type: ignore[arg-type]
        for choice in current_choices(desk.collection)
    ]


def test_a_direction_or_a_rule_nobody_knows_is_refused(desk: Desk) -> None:
    for bad in ({"direction": "sideways"}, {"policy": "strongest"}):
        with pytest.raises(InvalidInput) as refused:
            confirm_mapping(collection=desk.collection, choices=decided(desk, "title", **bad), actor=SYSTEM)
        assert "title" in refused.value.fields
    assert set(desk.collection.mappings.values_list("direction", flat=True)) == {"both"}


def test_changing_only_the_way_back_reads_nothing_anew(desk: Desk) -> None:
    before = desk.collection
    runs = SyncRun.objects.count()

    confirm_mapping(
        collection=before, choices=decided(desk, "estimate", direction="in", policy="manual"), actor=SYSTEM,
        takes_new_tasks=True, trashes_records=True,
    )  # fmt: skip
    desk.tell()

    after = desk.collection
    assert (after.watermark, after.mapping_revision) == (before.watermark, before.mapping_revision)
    assert (after.takes_new_tasks, after.trashes_records) == (True, True)
    row = FieldMapping.objects.get(collection=after, our_field="estimate")
    assert (row.direction, row.policy) == ("in", "manual")
    assert SyncRun.objects.count() == runs
    assert desk.calls() == []


def test_who_says_nothing_of_the_way_back_leaves_it_as_it_is(desk: Desk) -> None:
    confirm_mapping(
        collection=desk.collection, choices=decided(desk, "estimate", direction="in"), actor=SYSTEM,
        takes_new_tasks=True,
    )  # fmt: skip
    silent = [
        MappingChoice(item.our_field, item.remote_field_id, item.options)
        for item in current_choices(desk.collection)
    ]
    confirm_mapping(collection=desk.collection, choices=silent, actor=SYSTEM)

    assert desk.collection.takes_new_tasks
    assert FieldMapping.objects.get(collection=desk.collection, our_field="estimate").direction == "in"


def test_a_field_that_comes_from_there_only_is_not_sent(desk: Desk, pages: list[str]) -> None:
    confirm_mapping(collection=desk.collection, choices=decided(desk, "title", direction="in"), actor=SYSTEM)
    desk.edit(desk.task_of(pages[0]), title="Stays here", priority=4)
    desk.send()

    assert desk.title(pages[0]) != "Stays here"
    assert desk.value(pages[0], "Priority")["select"]["name"] == "P0"
