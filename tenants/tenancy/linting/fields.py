"""What adding or changing a column does to a table that is in use."""

import re
from collections.abc import Iterator
from typing import Any, Final

from django.db import connections
from django.db.models import Q, Value
from django.db.models.constraints import BaseConstraint, CheckConstraint
from django.db.models.fields import NOT_PROVIDED
from django.db.models.fields.related import ForeignKey
from django.db.models.functions import Now

# The stubs do not know what a field says of its index and of its constraint.
type AnyField = Any
type Problem = tuple[str, str]
VARCHAR: Final = re.compile(r"varchar\((\d+)\)")
NUMERIC: Final = re.compile(r"numeric\((\d+), (\d+)\)")
GROWTH: Final = {("smallint", "integer"), ("smallint", "bigint"), ("integer", "bigint")}
# Evaluated once for all rows there are; anything else might be evaluated for each, which rewrites the table.
STABLE: Final = (Value, Now)


def adding(field: AnyField) -> Iterator[Problem]:
    """What is wrong with adding ``field`` to a table in use."""
    if field.many_to_many:
        return
    if getattr(field, "generated", False):
        if getattr(field, "db_persist", True):
            yield "table-rewrite", f"the stored generated column {field.name} is computed for every row"
        return
    has_default = field.db_default is not NOT_PROVIDED
    if not field.null and not has_default:
        yield "add-not-null", f"{field.name} is NOT NULL and the database has no default for it"
    if (
        has_default
        and hasattr(field.db_default, "resolve_expression")
        and not isinstance(field.db_default, STABLE)
    ):
        yield "table-rewrite", f"the default of {field.name} may be computed for every row"
    if field.unique:
        yield "unique-blocks", f"{field.name} is unique"
    elif field.db_index:
        yield "index-blocks", f"{field.name} has an index"
    if _is_enforced(field):
        yield "foreign-key-blocks", f"{field.name} is a foreign key that the database checks"


def altering(before: AnyField, after: AnyField, constraints: list[BaseConstraint]) -> Iterator[Problem]:
    """What is wrong with changing a column in use; ``constraints`` are those its table has since an earlier release."""
    if before.many_to_many or after.many_to_many:
        if type(before) is not type(after):
            yield "narrow-type", f"{after.name} becomes another kind of field"
        return
    if before.column != after.column:
        yield "rename", f"the column {before.column} becomes {after.column}"
    yield from _retyping(before, after)
    if before.null and not after.null and not _is_checked(after, constraints):
        yield "set-not-null", f"{after.name} becomes NOT NULL and every row has to be read for it"
    if before.db_default is not NOT_PROVIDED and after.db_default is NOT_PROVIDED and not after.null:
        yield "drop-default", f"{after.name} loses its db_default"
    if after.unique and not before.unique:
        yield "unique-blocks", f"{after.name} becomes unique"
    elif after.db_index and not before.db_index and not after.unique:
        yield "index-blocks", f"{after.name} gets an index"
    if _is_enforced(after) and not _refers_alike(before, after):
        yield "foreign-key-blocks", f"{after.name} becomes a foreign key that the database checks"


def _retyping(before: AnyField, after: AnyField) -> Iterator[Problem]:
    connection = connections["default"]
    old, new = before.db_parameters(connection), after.db_parameters(connection)
    if old.get("collation") != new.get("collation"):
        yield "table-rewrite", f"{after.name} gets another collation"
    is_other_base = getattr(before, "generated", False) != getattr(after, "generated", False)
    if is_other_base or getattr(before, "expression", None) != getattr(after, "expression", None):
        yield "table-rewrite", f"{after.name} is computed in another way"
    was, becomes = str(old["type"]), str(new["type"])
    if was == becomes or is_wider(was, becomes):
        return
    if (was, becomes) in GROWTH:
        yield "table-rewrite", f"{after.name} grows from {was} to {becomes}"
    else:
        yield "narrow-type", f"{after.name} changes from {was} to {becomes}"


def is_wider(was: str, becomes: str) -> bool:
    """Whether PostgreSQL changes the type by changing its catalog alone."""
    if becomes == "text" or becomes == "varchar":
        return bool(VARCHAR.fullmatch(was)) or was in ("text", "varchar")
    old, new = VARCHAR.fullmatch(was), VARCHAR.fullmatch(becomes)
    if old and new:
        return int(new[1]) >= int(old[1])
    old, new = NUMERIC.fullmatch(was), NUMERIC.fullmatch(becomes)
    return bool(old and new and int(new[1]) >= int(old[1]) and new[2] == old[2])


def _is_checked(field: AnyField, constraints: list[BaseConstraint]) -> bool:
    wanted = Q(**{f"{field.name}__isnull": False})
    return any(isinstance(one, CheckConstraint) and one.condition == wanted for one in constraints)


def _is_enforced(field: AnyField) -> bool:
    """Whether it is a foreign key that the database checks."""
    return isinstance(field, ForeignKey) and bool(getattr(field, "db_constraint", True))


def _refers_alike(before: AnyField, after: AnyField) -> bool:
    """Whether the foreign key was there before and refers to the same model."""
    if not _is_enforced(before):
        return False
    return str(before.remote_field.model).lower() == str(after.remote_field.model).lower()
