"""Each operation of a migration, and what it does to tables that the release before is using."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from django.contrib.postgres import operations as postgres
from django.db import migrations
from django.db.migrations.migration import Migration
from django.db.migrations.operations import base, special
from django.db.migrations.operations import fields as field_operations
from django.db.migrations.operations import models as model_operations
from django.db.migrations.state import ModelState, ProjectState
from django.db.models import CheckConstraint
from django.db.models.fields import NOT_PROVIDED

from tenants.tenancy.linting.fields import AnyField, Problem, adding, altering

type Found = Iterator[tuple[str, base.Operation, str]]
HARMLESS: Final = (
    migrations.CreateModel, migrations.AlterModelOptions, migrations.AlterModelManagers, migrations.RenameIndex,
    migrations.RemoveIndex, migrations.RemoveConstraint, migrations.AlterModelTableComment,
    model_operations.AlterConstraint, postgres.AddConstraintNotValid, postgres.ValidateConstraint,
    postgres.AddIndexConcurrently, postgres.RemoveIndexConcurrently,
)  # fmt: skip
REPEATABLE: Final = (
    postgres.AddIndexConcurrently, postgres.RemoveIndexConcurrently, postgres.ValidateConstraint, migrations.RunPython,
)  # fmt: skip
DDL: Final = re.compile(
    r"\b(ALTER|CREATE|DROP|TRUNCATE|GRANT|REVOKE|REINDEX|CLUSTER|VACUUM|LOCK)\b", re.IGNORECASE
)
# DDL that does what the rules ask for.
GENTLE: Final = re.compile(
    r"^\s*(CREATE\s+(UNIQUE\s+)?INDEX\s+CONCURRENTLY\b|DROP\s+INDEX\s+CONCURRENTLY\b"
    r"|ALTER\s+TABLE\s+\S+\s+VALIDATE\s+CONSTRAINT\b"
    r"|ALTER\s+TABLE\s+\S+\s+ADD\s+CONSTRAINT\b.*\bNOT\s+VALID\s*;?\s*$)",
    re.IGNORECASE | re.DOTALL,
)
# Comments, texts and the bodies of functions: what stands in them is no statement of the migration.
BODY: Final = re.compile(r"--[^\n]*|/\*.*?\*/|(\$\w*\$).*?\1|'(?:[^']|'')*'", re.DOTALL)
CONTROL: Final = re.compile(
    r"^\s*(BEGIN|COMMIT|ROLLBACK|END|START\s+TRANSACTION|SET\s+(LOCAL\s+|SESSION\s+)?(ROLE|SESSION\s+AUTHORIZATION)"
    r"|RESET\s+ROLE)\b",
    re.IGNORECASE | re.MULTILINE,
)


class Judge:
    """Judges the migrations of one release against the state that the release before knows."""

    def __init__(self, landed: ProjectState) -> None:
        self._landed = landed

    def judge(self, migration: Migration, state: ProjectState) -> Found:
        """Every problem of a migration, with its rule and operation; ``state`` (before it) is taken forward."""
        yield from self._as_a_whole(migration)
        for operation in migration.operations:
            before = state.clone()
            operation.state_forwards(migration.app_label, state)
            for rule, problem in self._operation(migration, operation, before, state):
                yield rule, operation, problem

    def _as_a_whole(self, migration: Migration) -> Found:
        operations = list(_flat(migration.operations))
        python = [one for one in operations if not one.reduces_to_sql]
        schema = [one for one in operations if _changes_schema(one)]
        if python and schema:
            yield "python-mixed", python[0], f"it stands beside “{schema[0].describe()}”"
        added = {one.constraint.name for one in operations if isinstance(one, postgres.AddConstraintNotValid)}
        for one in operations:
            if isinstance(one, postgres.ValidateConstraint) and one.name in added:
                yield "validate-apart", one, f"{one.name} is added by the same migration"
            if not migration.atomic and not _may_be_repeated(one):
                yield "not-atomic", one, "the migration is not atomic, and a crash would repeat this"

    def _operation(
        self, migration: Migration, operation: base.Operation, before: ProjectState, after: ProjectState
    ) -> Iterator[Problem]:
        app = migration.app_label
        if isinstance(operation, special.SeparateDatabaseAndState):
            inner = before.clone()
            for part in operation.database_operations:
                was = inner.clone()
                part.state_forwards(app, inner)
                yield from self._operation(migration, part, was, inner)
            in_database = bool(operation.database_operations)
            for part in operation.state_operations:
                if isinstance(part, field_operations.RemoveField) and not in_database:
                    yield from self._forgetting(app, part)
        elif isinstance(operation, special.RunPython):
            if not operation.reversible and not operation.elidable:
                yield "python-reverse", "it cannot be undone"
        elif isinstance(operation, special.RunSQL):
            yield from _raw_sql(operation)
        elif isinstance(operation, field_operations.FieldOperation):
            yield from self._field(app, operation, before, after)
        elif isinstance(operation, model_operations.ModelOperation | model_operations.IndexOperation):
            yield from self._model(app, operation)
        elif not isinstance(operation, HARMLESS):
            yield "unknown-operation", f"the lint does not know {type(operation).__name__}"

    def _field(
        self, app: str, operation: field_operations.FieldOperation, before: ProjectState, after: ProjectState
    ) -> Iterator[Problem]:
        model = self._known(app, operation.model_name)
        if model is None:
            return  # the table is as new as this release
        name = operation.name
        if isinstance(operation, field_operations.AddField):
            yield from adding(_bound(after, app, operation.model_name, name))
        elif isinstance(operation, field_operations.RenameField):
            if operation.old_name in model.fields:
                yield "rename", f"{operation.old_name} becomes {operation.new_name}"
        elif name not in model.fields:
            return  # added since
        elif isinstance(operation, field_operations.RemoveField):
            yield "remove-field", f"the release before reads and writes {operation.model_name}.{name}"
        elif isinstance(operation, field_operations.AlterField):
            model_constraints = list(model.options.get("constraints", ()))
            yield from altering(
                _bound(before, app, operation.model_name, name),
                _bound(after, app, operation.model_name, name),
                model_constraints,
            )

    def _model(
        self, app: str, operation: model_operations.ModelOperation | model_operations.IndexOperation
    ) -> Iterator[Problem]:
        name = operation.old_name if isinstance(operation, migrations.RenameModel) else _model_name(operation)
        if isinstance(operation, migrations.CreateModel) or self._known(app, name) is None:
            return
        match operation:
            case _ if isinstance(operation, HARMLESS):
                return
            case migrations.DeleteModel():
                yield "remove-model", f"the release before uses {name}"
            case migrations.RenameModel():
                yield "rename", f"{operation.old_name} becomes {operation.new_name}"
            case migrations.AlterModelTable():
                yield "rename", f"the table of {name} becomes {operation.table}"
            case migrations.AlterOrderWithRespectTo():
                if operation.order_with_respect_to:
                    yield "add-not-null", f"{name} gets a column _order that the release before does not fill"
            case migrations.AlterUniqueTogether():
                if operation.option_value:
                    yield "unique-blocks", f"{name} gets a unique rule"
            case migrations.AddIndex():
                yield "index-blocks", f"{operation.index.name} is made while nobody can write to {name}"
            case migrations.AddConstraint():
                if isinstance(operation.constraint, CheckConstraint):
                    yield (
                        "constraint-blocks",
                        f"{operation.constraint.name} is checked while {name} is locked",
                    )
                else:
                    yield "unique-blocks", f"{operation.constraint.name} is made while {name} is locked"
            case _:
                yield "unknown-operation", f"the lint does not know {type(operation).__name__}"

    def _forgetting(self, app: str, operation: field_operations.RemoveField) -> Iterator[Problem]:
        model = self._known(app, operation.model_name)
        field = model.fields.get(operation.name) if model else None
        if (
            field is not None
            and not field.null
            and field.db_default is NOT_PROVIDED
            and not field.many_to_many
        ):
            yield "forgotten-not-null", f"rows will be written without {operation.name}, which is NOT NULL"

    def _known(self, app: str, model: str) -> ModelState | None:
        return self._landed.models.get((app, model.lower()))


def _bound(state: ProjectState, app: str, model: str, name: str) -> AnyField:
    """A field as the state's model has it: it knows its column and what it refers to."""
    return state.apps.get_model(app, model)._meta.get_field(name)


def _model_name(operation: model_operations.ModelOperation | model_operations.IndexOperation) -> str:
    attribute = "name" if isinstance(operation, model_operations.ModelOperation) else "model_name"
    return str(getattr(operation, attribute))


def _flat(operations: Sequence[base.Operation]) -> Iterator[base.Operation]:
    for operation in operations:
        if isinstance(operation, special.SeparateDatabaseAndState):
            yield from _flat(operation.database_operations)
        else:
            yield operation


def _changes_schema(operation: base.Operation) -> bool:
    if isinstance(operation, special.RunPython):
        return False
    if isinstance(operation, special.RunSQL):
        return any(DDL.search(BODY.sub("''", text)) for text in _texts(operation.sql))
    return not isinstance(operation, migrations.AlterModelOptions | migrations.AlterModelManagers)


def _may_be_repeated(operation: base.Operation) -> bool:
    if isinstance(operation, special.RunSQL):
        return all("CONCURRENTLY" in text.upper() for text in _texts(operation.sql)) or not _changes_schema(
            operation
        )
    return isinstance(operation, REPEATABLE) or not _changes_schema(operation)


def _raw_sql(operation: special.RunSQL) -> Iterator[Problem]:
    if not operation.reversible and not operation.elidable:
        yield "sql-reverse", "it cannot be undone"
    for text in _texts(operation.sql):
        if CONTROL.search(BODY.sub("''", text)):
            yield "sql-control", f"“{_short(text)}” steers the transaction or the role"
        elif not GENTLE.match(text):
            match = DDL.search(BODY.sub("''", text))
            if match:
                yield "raw-ddl", f"“{_short(text[match.start() :])}” changes the schema behind Django's back"


def _texts(sql: Any) -> list[str]:
    if isinstance(sql, str):
        return [sql] if sql else []
    return [str(part[0] if isinstance(part, list | tuple) else part) for part in sql]


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:59]}…"
