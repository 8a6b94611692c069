"""The one filter model of list, board, API and home: typed, immutable, read from and written to a URL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from enum import StrEnum
from typing import Any, Final, Literal
from urllib.parse import urlencode
from uuid import UUID

from tasks.models import Task
from tenants.foundation.errors import InvalidInput

NONE: Final = "none"
ME: Final = "me"
NOBODY: Final = "nobody"
MAX_VALUES: Final = 50
MAX_SEARCH_CHARS: Final = 200
MAX_TEXT_CHARS: Final = 200

type Reference = UUID | Literal["none"]
type Owner = UUID | Literal["me", "nobody"]

PRIORITY_NAMES: Final[dict[str, int]] = {choice.name.lower(): choice.value for choice in Task.Priority}
_PRIORITY_BY_VALUE: Final[dict[int, str]] = {value: name for name, value in PRIORITY_NAMES.items()}


class Due(StrEnum):
    """When a task is due, seen from today."""

    OVERDUE = "overdue"
    TODAY = "today"
    THIS_WEEK = "week"
    NONE = "none"


class Sort(StrEnum):
    """What a list of tasks can be ordered by."""

    UPDATED = "updated"
    DUE = "due"
    PRIORITY = "priority"
    CREATED = "created"
    TITLE = "title"
    COMPLETED = "completed"


class Archived(StrEnum):
    """Which tasks a list is about: those in use, those put away, or both."""

    NO = "no"
    ONLY = "only"
    ALL = "all"


@dataclass(frozen=True)
class Order:
    """A sort and its direction; written `due` or `-updated`."""

    by: Sort
    is_descending: bool

    def __str__(self) -> str:
        return f"-{self.by}" if self.is_descending else str(self.by)

    def reversed(self) -> Order:
        """The same sort the other way round."""
        return Order(self.by, not self.is_descending)


DEFAULT_ORDER: Final = Order(Sort.UPDATED, is_descending=True)
# The direction a column starts with when its heading is pressed: newest, most urgent, soonest, A first.
NATURAL_ORDER: Final[dict[Sort, Order]] = {
    Sort.UPDATED: Order(Sort.UPDATED, is_descending=True),
    Sort.DUE: Order(Sort.DUE, is_descending=False),
    Sort.PRIORITY: Order(Sort.PRIORITY, is_descending=True),
    Sort.CREATED: Order(Sort.CREATED, is_descending=True),
    Sort.TITLE: Order(Sort.TITLE, is_descending=False),
    Sort.COMPLETED: Order(Sort.COMPLETED, is_descending=True),
}


@dataclass(frozen=True, kw_only=True)
class TaskFilters:
    """Which tasks to show, and in which order.

    Several values of one field mean "any of"; different fields must all hold. `due_before` and `due_after`
    leave the day itself out; so do `completed_before` and `completed_after`, counted in the reader's zone.
    """

    statuses: tuple[str, ...] = ()
    priorities: tuple[int, ...] = ()
    departments: tuple[Reference, ...] = ()
    projects: tuple[Reference, ...] = ()
    assignees: tuple[Owner, ...] = ()
    due: Due | None = None
    due_before: date | None = None
    due_after: date | None = None
    completed_before: date | None = None
    completed_after: date | None = None
    tags: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    search: str = ""
    archived: Archived = Archived.NO
    order: Order = DEFAULT_ORDER

    @classmethod
    def parse(
        cls, params: Mapping[str, Sequence[str]], *, ignore: Iterable[str] = (), strict: bool = False
    ) -> TaskFilters:
        """Read filters from the lists of a query string (`QueryDict.lists()` as a mapping).

        Empty values count as not given. With `strict`, a name that is neither a filter nor in `ignore` is an
        error.
        Raises: InvalidInput, naming every wrong field.
        """
        errors: dict[str, list[str]] = {}
        values: dict[str, Any] = {}
        for name, raw in params.items():
            reader = _READERS.get(name)
            if reader is None:
                if strict and name not in ignore:
                    errors[name] = ["There is no such parameter."]
                continue
            given = list(dict.fromkeys(text.strip() for text in raw if text.strip()))
            if not given:
                continue
            if len(given) > MAX_VALUES:
                errors[name] = [f"At most {MAX_VALUES} values."]
                continue
            try:
                values[reader.field] = reader.read(given)
            except ValueError as problem:
                errors[name] = [str(problem)]
        if errors:
            raise InvalidInput("Some of the filters are not valid.", fields=errors)
        return cls(**values)

    def pairs(self) -> list[tuple[str, str]]:
        """The filters as query string pairs, defaults left out, always in the same order."""
        pairs: list[tuple[str, str]] = []
        for name, reader in _READERS.items():
            value = getattr(self, reader.field)
            if value == _DEFAULTS[reader.field]:
                continue
            many = value if isinstance(value, tuple) else (value,)
            pairs.extend((name, reader.write(one)) for one in many)
        return pairs

    def query_string(self, **extra: str) -> str:
        """The filters as a query string without `?`; `extra` pairs follow, empty ones left out."""
        return urlencode(self.pairs() + [(name, value) for name, value in extra.items() if value])

    def but(self, **changes: Any) -> TaskFilters:
        """The same filters with some fields changed."""
        return replace(self, **changes)

    def without(self, field_name: str) -> TaskFilters:
        """The same filters with one field (by attribute name) back at its default."""
        return replace(self, **{field_name: _DEFAULTS[field_name]})

    @property
    def is_narrowed(self) -> bool:
        """Whether any filter is set; the order is not a filter."""
        return any(getattr(self, name) != default for name, default in _DEFAULTS.items() if name != "order")


_DEFAULTS: Final[dict[str, Any]] = {f.name: f.default for f in fields(TaskFilters)}


class _Reader:
    """How one parameter is read into a field of `TaskFilters`, and one of its values written back."""

    def __init__(self, field: str, *, many: bool = True) -> None:
        self.field = field
        self.is_many = many

    def read(self, given: list[str]) -> Any:
        """Turn the texts given into the field's value. Raises: ValueError with a sentence."""
        if self.is_many:
            return tuple(dict.fromkeys(self.read_one(text) for text in given))
        if len(given) > 1:
            msg = "Give one value."
            raise ValueError(msg)
        return self.read_one(given[0])

    def read_one(self, text: str) -> Any:
        """Turn one text into a value."""
        if len(text) > MAX_TEXT_CHARS or "\x00" in text:
            msg = f"At most {MAX_TEXT_CHARS} characters, without control characters."
            raise ValueError(msg)
        return text

    def write(self, value: Any) -> str:
        """Turn one value into a text."""
        return str(value)


class _Choice(_Reader):
    def __init__(self, field: str, choices: Mapping[str, Any], *, many: bool = True) -> None:
        super().__init__(field, many=many)
        self.choices = dict(choices)
        self.texts = {value: text for text, value in self.choices.items()}

    def read_one(self, text: str) -> Any:
        if text not in self.choices:
            msg = f"“{text[:40]}” is not one of: {', '.join(self.choices)}."
            raise ValueError(msg)
        return self.choices[text]

    def write(self, value: Any) -> str:
        return self.texts[value]


class _Reference(_Reader):
    def __init__(self, field: str, words: Iterable[str]) -> None:
        super().__init__(field)
        self.words = frozenset(words)

    def read_one(self, text: str) -> Any:
        if text in self.words:
            return text
        try:
            return UUID(text)
        except ValueError:
            msg = f"“{text[:40]}” is neither an id nor one of: {', '.join(sorted(self.words))}."
            raise ValueError(msg) from None


class _Day(_Reader):
    def __init__(self, field: str) -> None:
        super().__init__(field, many=False)

    def read_one(self, text: str) -> date:
        try:
            return date.fromisoformat(text)
        except ValueError:
            msg = f"“{text[:40]}” is not a day, such as 2026-11-30."
            raise ValueError(msg) from None

    def write(self, value: Any) -> str:
        return str(value.isoformat())


class _Search(_Reader):
    def __init__(self) -> None:
        super().__init__("search", many=False)

    def read_one(self, text: str) -> str:
        if len(text) > MAX_SEARCH_CHARS or "\x00" in text:
            msg = f"Search for at most {MAX_SEARCH_CHARS} characters."
            raise ValueError(msg)
        return " ".join(text.split())


def _orders() -> dict[str, Order]:
    return {
        str(order): order for sort in Sort for order in (NATURAL_ORDER[sort], NATURAL_ORDER[sort].reversed())
    }


_READERS: Final[dict[str, _Reader]] = {
    "q": _Search(),
    "status": _Choice("statuses", {value: value for value in Task.Status.values}),
    "priority": _Choice("priorities", PRIORITY_NAMES),
    "department": _Reference("departments", [NONE]),
    "project": _Reference("projects", [NONE]),
    "assignee": _Reference("assignees", [ME, NOBODY]),
    "due": _Choice("due", {str(due): due for due in Due}, many=False),
    "due_before": _Day("due_before"),
    "due_after": _Day("due_after"),
    "completed_before": _Day("completed_before"),
    "completed_after": _Day("completed_after"),
    "tag": _Reader("tags"),
    "source": _Reader("sources"),
    "archived": _Choice("archived", {str(which): which for which in Archived}, many=False),
    "sort": _Choice("order", _orders(), many=False),
}

FILTER_PARAMETERS: Final = tuple(_READERS)


def priority_name(value: int) -> str:
    """The word for a priority in URLs and in the API. Raises: KeyError."""
    return _PRIORITY_BY_VALUE[value]
