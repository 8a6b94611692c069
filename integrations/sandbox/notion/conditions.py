"""What a filter asks of one value: each condition checked once, then a plain function."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.sandbox.notion.dates import is_day, iso_date, moment_of
from integrations.sandbox.notion.errors import invalid_body
from integrations.sandbox.notion.validation import (
    a_boolean,
    a_number,
    a_string,
    an_object,
    only_keys,
)

Test = Callable[[Any], bool]
MAX_CONDITION_TEXT = 2000

TEXT = ("equals", "does_not_equal", "contains", "does_not_contain", "starts_with", "ends_with")
NUMBER = (
    "equals",
    "does_not_equal",
    "greater_than",
    "less_than",
    "greater_than_or_equal_to",
    "less_than_or_equal_to",
)
CHOICE = ("equals", "does_not_equal")
MEMBERS = ("contains", "does_not_contain")
DATE = ("equals", "before", "after", "on_or_before", "on_or_after")
PERIOD = ("this_week", "past_week", "past_month", "past_year", "next_week", "next_month", "next_year")
EXISTENCE = ("is_empty", "is_not_empty")


def single_condition(value: Any, known: tuple[str, ...], path: str) -> tuple[str, Any]:
    """The one condition of a filter and its operand. Raises 400 for none, several or unknown ones."""
    body = an_object(value, path)
    only_keys(body, known, path)
    if len(body) != 1:
        raise invalid_body(f"{path}.{known[0]}", "defined")
    return next(iter(body.items()))


def _existence(name: str, operand: Any, path: str) -> bool:
    """True for is_empty, False for is_not_empty; only `true` may be asked."""
    if operand is not True:
        raise invalid_body(f"{path}.{name}", "`true`", operand)
    return name == "is_empty"


def text_test(value: Any, path: str) -> Test:
    """For values given as text ("" when empty). Capital letters do not matter."""
    name, operand = single_condition(value, (*TEXT, *EXISTENCE), path)
    if name in EXISTENCE:
        wanted = _existence(name, operand, path)
        return lambda text: (not text) is wanted
    sought = a_string(operand, f"{path}.{name}", most=MAX_CONDITION_TEXT).casefold()
    tests: dict[str, Test] = {
        "equals": lambda text: text.casefold() == sought,
        "does_not_equal": lambda text: text.casefold() != sought,
        "contains": lambda text: sought in text.casefold(),
        "does_not_contain": lambda text: sought not in text.casefold(),
        "starts_with": lambda text: text.casefold().startswith(sought),
        "ends_with": lambda text: text.casefold().endswith(sought),
    }
    return tests[name]


def number_test(value: Any, path: str) -> Test:
    """For numbers (None when empty)."""
    name, operand = single_condition(value, (*NUMBER, *EXISTENCE), path)
    if name in EXISTENCE:
        wanted = _existence(name, operand, path)
        return lambda number: (number is None) is wanted
    sought = a_number(operand, f"{path}.{name}")
    tests: dict[str, Test] = {
        "equals": lambda number: number == sought,
        "does_not_equal": lambda number: number != sought,
        "greater_than": lambda number: number is not None and number > sought,
        "less_than": lambda number: number is not None and number < sought,
        "greater_than_or_equal_to": lambda number: number is not None and number >= sought,
        "less_than_or_equal_to": lambda number: number is not None and number <= sought,
    }
    return tests[name]


def checkbox_test(value: Any, path: str) -> Test:
    name, operand = single_condition(value, CHOICE, path)
    sought = a_boolean(operand, f"{path}.{name}") is (name == "equals")
    return lambda held: bool(held) is sought


def choice_test(value: Any, path: str) -> Test:
    """For the name of the chosen option (None when empty)."""
    name, operand = single_condition(value, (*CHOICE, *EXISTENCE), path)
    if name in EXISTENCE:
        wanted = _existence(name, operand, path)
        return lambda chosen: (chosen is None) is wanted
    sought = a_string(operand, f"{path}.{name}")
    wanted = name == "equals"
    return lambda chosen: (chosen == sought) is wanted


def members_test(value: Any, path: str) -> Test:
    """For lists of names or ids."""
    name, operand = single_condition(value, (*MEMBERS, *EXISTENCE), path)
    if name in EXISTENCE:
        wanted = _existence(name, operand, path)
        return lambda members: (not members) is wanted
    sought = a_string(operand, f"{path}.{name}")
    wanted = name == "contains"
    return lambda members: (sought in members) is wanted


def existence_test(value: Any, path: str) -> Test:
    name, operand = single_condition(value, EXISTENCE, path)
    wanted = _existence(name, operand, path)
    return lambda members: (not members) is wanted


def date_test(value: Any, now: datetime, path: str) -> Test:
    """For ISO texts (None when empty)."""
    name, operand = single_condition(value, (*DATE, *PERIOD, *EXISTENCE), path)
    if name in EXISTENCE:
        wanted = _existence(name, operand, path)
        return lambda text: (text is None) is wanted
    low, high = date_range(name, operand, now, path)

    def within(text: str | None) -> bool:
        if text is None:
            return False
        moment = moment_of(text)
        return (low is None or moment >= low) and (high is None or moment < high)

    return within


def date_range(name: str, operand: Any, now: datetime, path: str) -> tuple[datetime | None, datetime | None]:
    """The half-open range of moments a date condition means. A day is 24 hours in UTC."""
    if name in PERIOD:
        only_keys(an_object(operand, f"{path}.{name}"), (), f"{path}.{name}")
        return _period(name, now)
    text = iso_date(operand, f"{path}.{name}")
    start = moment_of(text)
    # Without a time the condition is about the whole day, with one about that very moment.
    end = start + (timedelta(days=1) if is_day(text) else timedelta(microseconds=1))
    match name:
        case "equals":
            return start, end
        case "before":
            return None, start
        case "after":
            return end, None
        case "on_or_before":
            return None, end
        case _:
            return start, None


def _period(name: str, now: datetime) -> tuple[datetime, datetime]:
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    tomorrow = today + timedelta(days=1)
    if name == "this_week":
        monday = today - timedelta(days=today.weekday())
        return monday, monday + timedelta(days=7)
    days = {"week": 7, "month": 30, "year": 365}[name.rpartition("_")[2]]
    if name.startswith("past"):
        return today - timedelta(days=days), tomorrow
    return today, tomorrow + timedelta(days=days)
