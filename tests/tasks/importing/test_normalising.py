"""Values of drafts: what is stored, what is refused, what hangs together."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from tasks.drafts import TaskDraft
from tasks.importing.normalising import clean_name, clean_tags, clean_text, normalise, settle

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
EARLIER = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)


def values_of(**given: Any) -> dict[str, Any]:
    values, problems = normalise(TaskDraft(id=uuid4(), **given))
    assert problems == []
    return values


def test_text_keeps_every_script_and_loses_only_what_cannot_be_stored() -> None:
    assert clean_text("Größe 漢字 🏗️ ‮abc\x00 \ud800!") == "Größe 漢字 🏗️ ‮abc ?!"


def test_names_stand_on_one_line_and_have_a_limit() -> None:
    assert clean_name("  Grid \n  operations ") == "Grid operations"
    assert len(clean_name("x" * 500)) == 200


def test_three_thousand_tags_are_kept_without_repeats() -> None:
    tags = clean_tags([f"tag {n}" for n in range(3000)] + ["tag 1", " ", "y" * 300])
    assert len(tags) == 3001
    assert tags[-1] == "y" * 100


def test_an_empty_title_gets_a_name() -> None:
    assert values_of(title=" \n\x00 ") == {"title": "Untitled"}


def test_a_long_title_is_kept_whole() -> None:
    assert values_of(title="Replace the pump " * 300)["title"] == ("Replace the pump " * 300).strip()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("status", "finished"),
        ("priority", 9),
        ("estimate_hours", Decimal(-1)),
        ("estimate_hours", Decimal("NaN")),
        ("estimate_hours", Decimal("1e20")),
        ("due_at", datetime(2026, 11, 22, 12)),
        ("created_at", None),
        ("source_url", "https://example.org/" + "x" * 2000),
        ("source_url", "javascript:alert(document.domain)"),
        ("source_url", " \tJavaScript:alert(1)"),
        ("source_url", "data:text/html,x"),
        ("source_url", "//example.org/x"),
    ],
)
def test_a_value_that_cannot_be_stored_is_left_out_and_said(field: str, value: Any) -> None:
    draft = TaskDraft(id=uuid4(), title="Order salt", **{field: value})
    values, problems = normalise(draft)
    assert values == {"title": "Order salt"}
    assert [(p.task_id, p.field) for p in problems] == [(draft.id, field)]
    assert problems[0].message


def test_a_due_time_brings_its_day() -> None:
    values = values_of(due_at=NOW)
    settle(values, {}, now=NOW)
    assert values["due_on"] == date(2026, 11, 22)


def test_a_due_time_keeps_the_day_it_came_with() -> None:
    values = values_of(due_at=NOW, due_on=date(2026, 11, 23))
    settle(values, {}, now=NOW)
    assert values["due_on"] == date(2026, 11, 23)


def test_a_new_day_without_a_time_drops_the_old_time() -> None:
    stored = {"due_on": date(2026, 11, 20), "due_at": EARLIER}
    values = values_of(due_on=date(2026, 12, 1))
    settle(values, stored, now=NOW)
    assert values["due_at"] is None
    unmoved = values_of(due_on=date(2026, 11, 20))
    settle(unmoved, stored, now=NOW)
    assert "due_at" not in unmoved


@pytest.mark.parametrize(
    ("given", "stored", "expected"),
    [
        ({"status": "done", "completed_at": EARLIER}, {}, EARLIER),
        ({"status": "done"}, {}, NOW),
        ({"status": "done", "updated_at": EARLIER}, {}, EARLIER),
        ({"status": "done"}, {"status": "done", "completed_at": EARLIER}, EARLIER),
        ({"title": "x"}, {"status": "done", "completed_at": EARLIER}, EARLIER),
        ({"status": "blocked"}, {"status": "done", "completed_at": EARLIER}, None),
        ({"completed_at": EARLIER}, {"status": "planned", "completed_at": None}, None),
    ],
)
def test_a_task_has_a_time_of_completion_exactly_when_it_is_done(
    given: dict[str, Any], stored: dict[str, Any], expected: datetime | None
) -> None:
    values = values_of(**given)
    settle(values, stored, now=NOW)
    assert values["completed_at"] == expected
