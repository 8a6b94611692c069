"""The release before must survive the next one's schema: what would break it is refused, the way round it is not."""

from collections.abc import Sequence
from typing import Any

import pytest
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.operations import (
    AddConstraintNotValid,
    AddIndexConcurrently,
    BtreeGistExtension,
    ValidateConstraint,
)
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import CheckConstraint, Index, Q, UniqueConstraint
from django.db.models.functions import Now, Upper

from tenants.tenancy.linting.findings import INSTEAD
from tenants.tenancy.linting.rules import Judge

NEW = migrations.CreateModel(
    "fresh", [("id", models.BigAutoField(primary_key=True)), ("a", models.IntegerField())]
)
CHECK = CheckConstraint(condition=Q(name__gt=""), name="has_name")


def nothing(apps: object, schema_editor: object) -> None:
    """Does nothing."""


def name_field(**options: Any) -> Any:
    return models.CharField(**{"max_length": 200, **options})


def separate(*, database: Sequence[Operation] = (), state: Sequence[Operation] = ()) -> Operation:
    return migrations.SeparateDatabaseAndState(list(database), list(state))


REFUSED: list[tuple[str, list[Operation]]] = [
    ("rename", [migrations.RenameField("project", "name", "title")]),
    ("rename", [migrations.RenameModel("Project", "Plan")]),
    ("rename", [migrations.AlterModelTable("project", "plans")]),
    ("rename", [migrations.AlterField("project", "name", name_field(db_column="title"))]),
    ("remove-field", [migrations.RemoveField("project", "name")]),
    ("remove-field", [separate(database=[migrations.RemoveField("project", "name")])]),
    ("remove-model", [migrations.DeleteModel("Project")]),
    ("forgotten-not-null", [separate(state=[migrations.RemoveField("project", "name")])]),
    ("add-not-null", [migrations.AddField("project", "rank", models.IntegerField(default=1))]),
    ("add-not-null", [migrations.AlterOrderWithRespectTo("task", "project")]),
    ("table-rewrite", [
        migrations.AddField("project", "rank", models.FloatField(db_default=models.functions.Random())),
    ]),
    ("table-rewrite", [
        migrations.AddField("project", "long", models.GeneratedField(
            expression=Upper("name"), output_field=models.TextField(), db_persist=True)),
    ]),
    ("unique-blocks", [migrations.AddField("project", "code", models.IntegerField(null=True, unique=True))]),
    ("unique-blocks", [migrations.AlterField("project", "name", name_field(unique=True))]),
    ("unique-blocks", [migrations.AddConstraint("project", UniqueConstraint(fields=["name"], name="u"))]),
    ("unique-blocks", [migrations.AlterUniqueTogether("project", {("name", "id")})]),
    ("unique-blocks", [
        migrations.AddConstraint("project", ExclusionConstraint(expressions=[("name", "=")], name="e")),
    ]),
    ("index-blocks", [migrations.AddField("project", "code", models.IntegerField(null=True, db_index=True))]),
    ("index-blocks", [migrations.AlterField("project", "name", name_field(db_index=True))]),
    ("index-blocks", [migrations.AddIndex("project", Index(fields=["name"], name="i"))]),
    ("foreign-key-blocks", [
        migrations.AddField(
            "project", "main", models.ForeignKey("tasks.Task", models.SET_NULL, null=True, db_index=False)),
    ]),
    ("constraint-blocks", [migrations.AddConstraint("project", CHECK)]),
    ("validate-apart", [AddConstraintNotValid("project", CHECK), ValidateConstraint("project", "has_name")]),
    ("narrow-type", [migrations.AlterField("project", "name", name_field(max_length=10))]),
    ("narrow-type", [migrations.AlterField("project", "name", models.IntegerField())]),
    ("python-reverse", [migrations.RunPython(nothing)]),
    ("python-mixed", [
        migrations.AddField("project", "code", models.IntegerField(null=True)),
        migrations.RunPython(nothing, migrations.RunPython.noop),
    ]),
    ("sql-reverse", [migrations.RunSQL("UPDATE tasks_project SET name = name")]),
    ("raw-ddl", [migrations.RunSQL("UPDATE a SET b = 1; alter table tasks_project add x int", "")]),
    ("raw-ddl", [migrations.RunSQL([("CREATE TABLE x (a text DEFAULT %s)", ["y"])], "")]),
    ("sql-control", [migrations.RunSQL("UPDATE tasks_project SET name = name; \nCOMMIT; BEGIN", "")]),
    ("sql-control", [migrations.RunSQL("SET LOCAL ROLE somebody", "")]),
    ("unknown-operation", [BtreeGistExtension()]),
]  # fmt: skip

LET_THROUGH: list[list[Operation]] = [
    [NEW, migrations.AddField("fresh", "b", models.IntegerField(default=1, db_index=True))],
    [NEW, migrations.RenameField("fresh", "a", "b"), migrations.AddIndex("fresh", Index(fields=["b"], name="i"))],
    [NEW, migrations.DeleteModel("fresh")],
    [migrations.AddField("project", "code", models.IntegerField(null=True)),
     migrations.AlterField("project", "code", models.TextField()), migrations.RemoveField("project", "code")],
    [migrations.AddField("project", "seen_at", models.DateTimeField(db_default=Now()))],
    [migrations.AddField("project", "rank", models.IntegerField(db_default=0))],
    [migrations.AddField("project", "main", models.ForeignKey(
        "tasks.Task", models.SET_NULL, null=True, db_index=False, db_constraint=False))],
    [migrations.AddField("project", "others", models.ManyToManyField("tasks.Task"))],
    [migrations.AlterField("project", "name", name_field(max_length=400))],
    [migrations.AlterField("project", "name", name_field(null=True))],
    [migrations.AlterField("project", "name", models.TextField())],
    [migrations.AlterField("project", "name", name_field(choices=[("a", "A")], help_text="x"))],
    [AddConstraintNotValid("project", CHECK)],
    [ValidateConstraint("project", "has_name")],
    [migrations.RemoveConstraint("task", "task_has_title")],
    [migrations.RunPython(nothing, migrations.RunPython.noop)],
    [migrations.RunPython(nothing, elidable=True)],
    [migrations.RunSQL("UPDATE tasks_project SET name = 'ALTER TABLE' -- DROP it", "")],
    [migrations.RunSQL("ALTER TABLE tasks_project ADD CONSTRAINT x CHECK (name <> '') NOT VALID", "")],
    [migrations.RunSQL("ALTER TABLE tasks_project VALIDATE CONSTRAINT x", "")],
    [separate(state=[migrations.RemoveField("project", "archived_at")])],
    [migrations.AlterModelOptions("project", {"ordering": ["name"]})],
]  # fmt: skip


@pytest.fixture(scope="module")
def landed() -> ProjectState:
    return MigrationLoader(None).project_state(("tasks", "0001_initial"))


def rules(landed: ProjectState, operations: Sequence[Operation], *, is_atomic: bool = True) -> set[str]:
    migration = type(
        "Migration", (migrations.Migration,), {"operations": list(operations), "atomic": is_atomic}
    )("0002_next", "tasks")
    return {rule for rule, _, _ in Judge(landed).judge(migration, landed.clone())}


@pytest.mark.parametrize(
    ("rule", "operations"), REFUSED, ids=[f"{i}-{rule}" for i, (rule, _) in enumerate(REFUSED)]
)
def test_what_the_release_before_would_not_survive_is_refused(
    landed: ProjectState, rule: str, operations: list[Operation]
) -> None:
    assert rules(landed, operations) == {rule}
    assert INSTEAD[rule]


@pytest.mark.parametrize("operations", LET_THROUGH, ids=lambda operations: operations[-1].describe()[:60])
def test_what_it_survives_is_let_through(landed: ProjectState, operations: list[Operation]) -> None:
    if isinstance(operations[0], migrations.RemoveConstraint):
        names = [one.name for one in landed.models["tasks", "task"].options["constraints"]]
        operations = [migrations.RemoveConstraint("task", names[0])]
    state = landed.clone()
    if isinstance(operations[0], ValidateConstraint):
        AddConstraintNotValid("project", CHECK).state_forwards("tasks", state)
        migration = type("Migration", (migrations.Migration,), {"operations": operations})("0003_x", "tasks")
        assert list(Judge(landed).judge(migration, state)) == []
    else:
        assert rules(landed, operations) == set()


def test_outside_a_transaction_only_what_may_be_repeated_is_let_through(landed: ProjectState) -> None:
    index = AddIndexConcurrently("project", Index(fields=["name"], name="i"))
    field = migrations.AddField("project", "code", models.IntegerField(null=True))
    unique = migrations.RunSQL("CREATE UNIQUE INDEX CONCURRENTLY x ON tasks_project (name)", "")
    assert rules(landed, [index, unique], is_atomic=False) == set()
    assert rules(landed, [index, field], is_atomic=False) == {"not-atomic"}


def test_not_null_needs_a_check_that_an_earlier_release_validated(landed: ProjectState) -> None:
    nullable = next(
        name
        for name, field in landed.models["tasks", "project"].fields.items()
        if field.null and not field.is_relation
    )
    field = landed.models["tasks", "project"].fields[nullable].clone()
    field.null = False
    narrowing = [migrations.AlterField("project", nullable, field)]
    assert rules(landed, narrowing) == {"set-not-null"}
    checked = landed.clone()
    condition = Q(**{f"{nullable}__isnull": False})
    migrations.AddConstraint("project", CheckConstraint(condition=condition, name="set")).state_forwards(
        "tasks", checked
    )
    assert rules(checked, narrowing) == set()


def test_a_database_default_is_kept_while_the_release_before_relies_on_it(landed: ProjectState) -> None:
    state = landed.clone()
    with_default = models.IntegerField(db_default=0)
    migrations.AddField("project", "rank", with_default).state_forwards("tasks", state)
    assert rules(state, [migrations.AlterField("project", "rank", models.IntegerField())]) == {"drop-default"}
    assert rules(state, [migrations.AlterField("project", "rank", models.BigIntegerField(db_default=0))]) == {
        "table-rewrite"
    }
