"""SCIM filters as conditions of the database: the whole grammar, bounded, and never a row loaded to be looked at."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_
from typing import Any, Final

from django.db.models import Exists, Expression, F, OuterRef, Q, QuerySet, TextField, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Coalesce, Lower
from django.db.models.lookups import (
    Contains,
    EndsWith,
    Exact,
    GreaterThan,
    GreaterThanOrEqual,
    IsNull,
    LessThan,
    LessThanOrEqual,
    StartsWith,
)
from scim2_models import AttributeBinding, InvalidFilterException, ScimFilter
from scim2_models.path import (
    CompareOperator,
    Comparison,
    FilterNode,
    FilterVisitor,
    LogicalExpr,
    LogicalOperator,
    Not,
    Present,
    ValuePath,
    coerce_value,
)

from tenants.accounts.models import GroupMembership, ScimEmail
from tenants.accounts.scim.resources import ENTERPRISE_PARTS, NAME_PARTS, PLAIN
from tenants.accounts.scim.schemas import LONGEST_FILTER, Enterprise

MOST_TERMS: Final = 60

_LOOKUPS: Final[dict[CompareOperator, type[Any]]] = {
    CompareOperator.eq: Exact,
    CompareOperator.co: Contains,
    CompareOperator.sw: StartsWith,
    CompareOperator.ew: EndsWith,
    CompareOperator.gt: GreaterThan,
    CompareOperator.ge: GreaterThanOrEqual,
    CompareOperator.lt: LessThan,
    CompareOperator.le: LessThanOrEqual,
}


@dataclass(frozen=True, slots=True)
class Column:
    """Where an attribute lies. `folded` columns are kept in the form in which they are compared."""

    source: Expression | F
    kind: str = "text"
    folded: bool = False


def _text_of(name: str) -> Column:
    return Column(Coalesce(KeyTextTransform(name, "attributes"), Value(""), output_field=TextField()))


def _id_of(path: str) -> Column:
    return Column(Cast(F(path), TextField()))


_META: Final = {
    "meta.created": Column(F("created_at"), "moment"),
    "meta.last_modified": Column(F("updated_at"), "moment"),
}
PERSON_COLUMNS: Final[dict[str, Column]] = {
    "id": _id_of("user_id"),
    "external_id": Column(F("external_id")),
    "user_name": Column(F("user_name_key"), folded=True),
    "active": Column(F("is_active"), "truth"),
    **_META,
    **{field: _text_of(name) for field, name in PLAIN.items()},
    **{f"name.{field}": _text_of(name) for field, name in NAME_PARTS.items()},
    **{f"enterprise.{field}": _text_of(name) for field, name in ENTERPRISE_PARTS.items()},
}
GROUP_COLUMNS: Final[dict[str, Column]] = {
    "id": _id_of("group_id"),
    "external_id": Column(F("external_id")),
    "display_name": Column(F("group__name")),
    **_META,
}
_EMAIL_COLUMNS: Final = {
    "value": Column(F("value")),
    "type": Column(F("type")),
    "display": Column(F("display")),
    "primary": Column(F("is_primary"), "truth"),
}
_GROUP_OF_PERSON: Final = {
    "value": _id_of("group_id"),
    "display": Column(F("group__name")),
    "type": Column(Value("direct", output_field=TextField())),
}
_MEMBER_COLUMNS: Final = {
    "value": _id_of("user_id"),
    "display": Column(F("user__name")),
    "type": Column(Value("User", output_field=TextField())),
}


@dataclass(frozen=True, slots=True)
class Table:
    """The entries of an attribute with several values: its rows beside the outer row, and their columns."""

    rows: Callable[[], QuerySet[Any]]
    columns: dict[str, Column]


def _emails() -> QuerySet[Any]:
    return ScimEmail.objects.filter(person=OuterRef("pk"))


def _groups_of_person() -> QuerySet[Any]:
    return GroupMembership.objects.filter(user=OuterRef("user_id"), group__scim__isnull=False)


def _members_of_group() -> QuerySet[Any]:
    return GroupMembership.objects.filter(group=OuterRef("group_id"), user__scim__isnull=False)


PERSON_TABLES: Final = {
    "emails": Table(_emails, _EMAIL_COLUMNS),
    "groups": Table(_groups_of_person, _GROUP_OF_PERSON),
}
GROUP_TABLES: Final = {"members": Table(_members_of_group, _MEMBER_COLUMNS)}


def condition_of(
    scim_filter: ScimFilter[Any],
    columns: dict[str, Column],
    tables: dict[str, Table],
    *,
    is_shared: bool = False,
) -> Q:
    """Return a filter as a condition. Raises: InvalidFilterException (too long, an attribute nothing is kept of).

    A filter that `is_shared` by several kinds of resources is false where it asks for an attribute of another kind.
    """
    check_length(scim_filter)
    return _Compiler(scim_filter, columns, tables, is_shared=is_shared).visit(scim_filter.ast)


def check_length(text: object) -> None:
    """Refuse a filter that is too long to be taken apart. Raises: InvalidFilterException."""
    if isinstance(text, str) and len(text) > LONGEST_FILTER:
        raise InvalidFilterException(detail=f"A filter has {LONGEST_FILTER} characters at most.")


def member_condition(scim_filter: ScimFilter[Any]) -> Q:
    """Return the filter in `members[…]` as a condition of the memberships. Raises: InvalidFilterException."""
    return _Compiler(scim_filter, _MEMBER_COLUMNS, {}).visit(scim_filter.ast)


class _Compiler(FilterVisitor[Q]):
    def __init__(
        self,
        scim_filter: ScimFilter[Any],
        columns: dict[str, Column],
        tables: dict[str, Table],
        *,
        is_shared: bool = False,
    ) -> None:
        self._filter, self._columns, self._tables = scim_filter, columns, tables
        self._is_shared = is_shared
        self._terms = 0

    def visit(self, node: FilterNode) -> Q:
        path = getattr(node, "attr_path", None)
        if self._is_shared and path is not None and self._filter.resolve(path, strict=False) is None:
            return Q(pk__in=[])
        return super().visit(node)

    def visit_not(self, node: Not) -> Q:
        return ~self.visit(node.expr)

    def visit_logical_expr(self, node: LogicalExpr) -> Q:
        joined = and_ if node.op == LogicalOperator.and_ else or_
        return reduce(joined, [self.visit(term) for term in node.terms])

    def visit_present(self, node: Present) -> Q:
        self._count()
        binding = self._bound(node, self._filter.resolve(node.attr_path, strict=True))
        if (table := self._table_of(binding)) is not None:
            name = binding.sub_field_name
            rows = table.rows()
            return Q(Exists(rows if name is None else rows.filter(_is_there(_column(table.columns, name)))))
        if binding.field_name in {"name", "meta"} and binding.sub_field_name is None:
            inside = [
                column for key, column in self._columns.items() if key.startswith(f"{binding.field_name}.")
            ]
            return reduce(or_, map(_is_there, inside))
        return _is_there(self._column_of(binding))

    def visit_comparison(self, node: Comparison) -> Q:
        self._count()
        binding = self._bound(node, self._filter.resolve_comparison(node.attr_path, strict=True))
        value = coerce_value(binding, node.value, node.op)
        if (table := self._table_of(binding)) is not None:
            column = _column(table.columns, binding.sub_field_name or "value")
            return Q(Exists(table.rows().filter(_compared(column, node.op, binding, value))))
        return _compared(self._column_of(binding), node.op, binding, value)

    def visit_value_path(self, node: ValuePath) -> Q:
        self._count()
        binding = self._bound(node, self._filter.resolve(node.attr_path, strict=True))
        table = self._table_of(binding)
        if table is None or binding.field_type is None:
            raise InvalidFilterException(detail=f"{node.attr_path} has no values to choose from.")
        inner: type[Any] = ScimFilter.__class_getitem__(binding.field_type)
        compiler = _Compiler(inner(node.val_filter), table.columns, {})
        compiler._terms = self._terms
        condition = compiler.visit(node.val_filter)
        self._terms = compiler._terms
        return Q(Exists(table.rows().filter(condition)))

    def _count(self) -> None:
        self._terms += 1
        if self._terms > MOST_TERMS:
            raise InvalidFilterException(detail=f"A filter compares {MOST_TERMS} attributes at most.")

    def _bound(self, node: FilterNode, binding: AttributeBinding | None) -> AttributeBinding:
        if binding is None:
            raise InvalidFilterException(detail=f"Nothing is kept of what “{node}” asks for.")
        return binding

    def _table_of(self, binding: AttributeBinding) -> Table | None:
        return self._tables.get(binding.field_name) if binding.is_multivalued else None

    def _column_of(self, binding: AttributeBinding) -> Column:
        name = binding.field_name
        if binding.model is Enterprise:
            name = f"enterprise.{name}"
        if binding.sub_field_name:
            name = f"{name}.{binding.sub_field_name}"
        return _column(self._columns, name)


def _column(columns: dict[str, Column], name: str) -> Column:
    try:
        return columns[name]
    except KeyError:
        raise InvalidFilterException(detail=f"“{name}” cannot be looked for.") from None


def _is_there(column: Column) -> Q:
    if column.kind == "text":
        return ~Q(Exact(column.source, Value("")))
    return Q(IsNull(column.source, False))


def _compared(column: Column, op: CompareOperator, binding: AttributeBinding, value: Any) -> Q:
    if value is None:
        if op not in {CompareOperator.eq, CompareOperator.ne}:
            raise InvalidFilterException(detail="null can only be equal or not equal.")
        there = _is_there(column)
        return there if op == CompareOperator.ne else ~there
    source = column.source
    if column.kind == "text":
        try:
            value = binding.comparable(str(value))
        except ValueError as error:
            raise InvalidFilterException(detail="This text cannot be compared.") from error
        # Written as an escape they get past whoever looks at the message: nothing is kept with one in it.
        if any(sign == "\0" or "\ud800" <= sign <= "\udfff" for sign in value):
            raise InvalidFilterException(detail="This text cannot be compared.")
        if not binding.case_exact and not column.folded:
            source = Lower(source)
    elif column.kind == "truth" and op not in {CompareOperator.eq, CompareOperator.ne}:
        raise InvalidFilterException(detail="A truth can only be equal or not equal.")
    if op == CompareOperator.ne:
        return ~Q(Exact(source, value))
    return Q(_LOOKUPS[op](source, value))
