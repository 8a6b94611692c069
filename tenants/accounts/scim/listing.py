"""Lists of people and groups: filtered, sorted and paged inside the database, by index or by cursor."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Q, QuerySet
from scim2_models import InvalidCursorException, InvalidPathException, ScimFilter, SearchRequest

from tenants.accounts.models import ScimDirectory, ScimGroup, ScimPerson
from tenants.accounts.scim.cursors import Question, read_cursor, write_cursor
from tenants.accounts.scim.filters import (
    GROUP_COLUMNS,
    GROUP_TABLES,
    PERSON_COLUMNS,
    PERSON_TABLES,
    check_length,
    condition_of,
)
from tenants.accounts.scim.resources import group_resource, members_of, person_resource, with_all
from tenants.accounts.scim.schemas import MOST_RESULTS, PROVIDER, USUAL_RESULTS, Group, Person
from tenants.accounts.scim.shapes import MODELS
from tenants.tenancy import current_tenant

# By what can be sorted: indexed or short, and never empty but for the external id.
_SORTS: Final[dict[str, dict[str, str]]] = {
    "User": {
        "id": "user_id", "user_name": "user_name_key", "external_id": "external_id",
        "meta.created": "created_at", "meta.last_modified": "updated_at",
    },
    "Group": {
        "id": "group_id", "display_name": "group__name", "external_id": "external_id",
        "meta.created": "created_at", "meta.last_modified": "updated_at",
    },
}  # fmt: skip
_KEYS: Final = {"User": "user_id", "Group": "group_id"}
_FURTHEST: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Page:
    """One page of resources. `total` is None for later pages by cursor: it was said with the first."""

    resources: list[Any]
    total: int | None
    start: int | None
    next_cursor: str | None = None


def _check_filter(values: dict[str, Any]) -> None:
    """Look at a filter's length before it is taken apart. Raises: InvalidFilterException."""
    for name, value in values.items():
        if name.lower() == "filter":
            check_length(value)


def search_of_all(values: dict[str, Any]) -> Any:
    """Read a question about people and groups together. Raises: ValidationError, SCIMException."""
    _check_filter(values)
    request: Any = SearchRequest.__class_getitem__(Person | Group)
    with PROVIDER:
        return request.model_validate(values)


def page_of_all(directory: ScimDirectory, request: Any, *, base: str) -> Page:
    """Answer a question about people and groups together: people first, by index. Raises: SCIMException."""
    if request.sort_by is not None or request.cursor is not None:
        raise InvalidPathException(
            detail="People and groups together come in one order, and are paged by index."
        )
    count = min(request.count if request.count is not None else USUAL_RESULTS, MOST_RESULTS)
    start = min(request.start_index or 1, _FURTHEST)
    total, found = 0, list[Any]()
    for kind, model in MODELS.items():
        bound: Any = ScimFilter.__class_getitem__(model)
        own = bound(str(request.filter)) if request.filter is not None else None
        rows = _rows(directory, kind, own, is_shared=True)
        size, first, room = rows.count(), max(start - 1 - total, 0), count - len(found)
        if room > 0 and first < size:
            chosen = _shown(rows.order_by(_KEYS[kind]), kind, request)[first : first + room]
            found += _resources(list(chosen), kind, request, base)
        total += size
    return Page(found, total, start)


def search_of(values: dict[str, Any], kind: str) -> Any:
    """Read a question out of a query string or a `.search` body. Raises: ValidationError, SCIMException."""
    _check_filter(values)
    request: Any = SearchRequest.__class_getitem__(MODELS[kind])
    with PROVIDER:
        return request.model_validate(values)


def page_of(directory: ScimDirectory, kind: str, request: Any, *, base: str) -> Page:
    """Answer a question. Raises: SCIMException (filter, order, cursor)."""
    rows = _rows(directory, kind, request.filter)
    column, descending = _order(kind, request)
    count = min(request.count if request.count is not None else USUAL_RESULTS, MOST_RESULTS)
    order = f"{'-' if descending else ''}{column}"
    key = _KEYS[kind]
    ordered = rows.order_by(order, key) if column != key else rows.order_by(order)
    if request.cursor is None:
        start = min(request.start_index or 1, _FURTHEST)
        number = rows.count()
        found = list(_shown(ordered, kind, request)[start - 1 : start - 1 + count]) if count else []
        return Page(_resources(found, kind, request, base), number, start)
    question = Question(current_tenant().id, directory.pk, kind, str(request.filter or ""), order, count)
    total = None if request.cursor else rows.count()
    if request.cursor:
        ordered = ordered.filter(_behind(column, key, read_cursor(question, request.cursor), descending))
    found = list(_shown(ordered, kind, request)[: count + 1]) if count else []
    more, found = len(found) > count, found[:count]
    cursor = write_cursor(question, _values(found[-1], column, key)) if more else None
    return Page(_resources(found, kind, request, base), total, None, cursor)


def wants(request: Any, kind: str, name: str) -> bool:
    """Whether an attribute that costs a statement is asked for: `members` of groups, `groups` of people."""
    model = MODELS[kind]

    def names(paths: Any) -> set[str]:
        found = {path.resolve(model) for path in paths or ()}
        return {binding.field_name for binding in found if binding is not None}

    if request.attributes:
        return name in names(request.attributes)
    # Leaving out `members.display` does not leave out the members.
    whole = [path for path in request.excluded_attributes or () if "." not in str(path).rpartition(":")[2]]
    return name not in names(whole)


def _rows(
    directory: ScimDirectory, kind: str, wanted: ScimFilter[Any] | None, *, is_shared: bool = False
) -> QuerySet[Any]:
    rows: QuerySet[Any]
    if kind == "User":
        rows = ScimPerson.objects.filter(directory=directory, deleted_at=None)
        columns, tables = PERSON_COLUMNS, PERSON_TABLES
    else:
        rows = ScimGroup.objects.filter(directory=directory)
        columns, tables = GROUP_COLUMNS, GROUP_TABLES
    if wanted is None:
        return rows
    quick = _by_id(kind, str(wanted))
    if quick is not None:
        return rows.filter(quick)
    return rows.filter(condition_of(wanted, columns, tables, is_shared=is_shared))


def _by_id(kind: str, text: str) -> Q | None:
    """The one question that is asked by an index of another form than text."""
    if not text.lower().startswith('id eq "'):
        return None
    try:
        return Q(**{_KEYS[kind]: UUID(text[7:-1])})
    except ValueError:
        return None


def _shown(rows: QuerySet[Any], kind: str, request: Any) -> QuerySet[Any]:
    if kind == "User":
        return with_all(rows, groups=wants(request, kind, "groups"))
    return rows.select_related("group")


def _resources(rows: list[Any], kind: str, request: Any, base: str) -> list[Any]:
    if kind == "User":
        return [person_resource(row, base) for row in rows]
    members = members_of(rows) if rows and wants(request, kind, "members") else {}
    return [group_resource(row, base, members.get(row.group_id)) for row in rows]


def _order(kind: str, request: Any) -> tuple[str, bool]:
    if request.sort_by is None:
        return _KEYS[kind], False
    binding = request.sort_binding(MODELS[kind])
    name = binding.field_name if binding is not None else ""
    if binding is not None and binding.sub_field_name:
        name = f"{name}.{binding.sub_field_name}"
    column = _SORTS[kind].get(name)
    if column is None:
        raise InvalidPathException(detail=f"Nothing is sorted by “{request.sort_by}” here.")
    return column, request.sort_order == SearchRequest.SortOrder.descending


def _values(row: Any, column: str, key: str) -> list[str]:
    value: Any = row
    for part in column.split("__"):
        value = getattr(value, part)
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    return [text, str(getattr(row, key))]


def _behind(column: str, key: str, last: list[str], descending: bool) -> Q:
    try:
        value: Any = datetime.fromisoformat(last[0]) if column.endswith("_at") else last[0]
        number = UUID(last[1])
    except (ValueError, IndexError) as error:
        raise InvalidCursorException from error
    beyond = "lt" if descending else "gt"
    if column == key:
        return Q(**{f"{key}__{beyond}": number})
    return Q(**{f"{column}__{beyond}": value}) | Q(**{column: value, f"{key}__gt": number})
