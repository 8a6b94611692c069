"""What the lint refuses, and what it says to do instead: expand first, contract one release later."""

from dataclasses import dataclass
from typing import Final

# Rule → what to do instead.
INSTEAD: Final[dict[str, str]] = {
    "rename": (
        "Add the new one beside the old, write both, move the rows in a data migration, and remove the old one in a"
        " later release."
    ),
    "remove-field": (
        "Release a version that does not use it first: take it out of the state alone (SeparateDatabaseAndState, the"
        " column nullable or with a db_default). Drop the column in a later release and declare that in lint_allows."
    ),
    "remove-model": (
        "Release a version that does not use it first: take it out of the state alone (SeparateDatabaseAndState). Drop"
        " the table in a later release and declare that in lint_allows."
    ),
    "forgotten-not-null": "Make the column nullable or give it a db_default first: rows without it must be possible.",
    "add-not-null": "Give it null=True or a db_default: the release before writes rows without it.",
    "drop-default": "Keep the db_default for one release more: the release before writes DEFAULT.",
    "table-rewrite": (
        "Add a new column, fill it in a data migration, and change over in a later release: rewriting the table keeps"
        " everybody out for as long as it takes."
    ),
    "narrow-type": (
        "Add a new column of the narrower type, fill it in a data migration, and change over in a later release: the"
        " release before writes values that would be refused."
    ),
    "set-not-null": (
        "Add CheckConstraint(condition=Q(<field>__isnull=False)) with AddConstraintNotValid, fill the rows, validate it"
        " with ValidateConstraint, and set NOT NULL one release later: PostgreSQL then need not read the table."
    ),
    "index-blocks": (
        "Use AddIndexConcurrently in a migration of its own with atomic = False (fields: db_index=False and an Index in"
        " Meta)."
    ),
    "constraint-blocks": (
        "Use AddConstraintNotValid, and ValidateConstraint in the migration after it: reading the whole table must not"
        " keep writers out."
    ),
    "foreign-key-blocks": (
        "Add the column with db_constraint=False and without an index. Then make the index concurrently, add the"
        " foreign key NOT VALID by SQL, and validate it in the migration after that."
    ),
    "unique-blocks": (
        "Make sure that the release before cannot write duplicates, make a unique index CONCURRENTLY in a migration"
        " with atomic = False, then attach it (ADD CONSTRAINT … UNIQUE USING INDEX)."
    ),
    "validate-apart": (
        "Put ValidateConstraint into a migration of its own: in one transaction the lock of the first step is kept"
        " while the table is read."
    ),
    "python-reverse": "Give it a reverse_code (RunPython.noop where there is nothing to undo) or elidable=True.",
    "python-mixed": (
        "Move the Python into a migration of its own: it runs company by company and would keep the locks of the schema"
        " changes all the while."
    ),
    "sql-reverse": "Give it a reverse_sql (RunSQL.noop where there is nothing to undo) or elidable=True.",
    "raw-ddl": (
        "Use Django's operations, or say in lint_allows why SQL is needed and why the release before survives it."
    ),
    "sql-control": (
        "Leave BEGIN, COMMIT, ROLLBACK and the role to the runner: it records the migration in the same transaction."
    ),
    "not-atomic": (
        "Leave in it only what may be repeated: a crash starts the whole migration again. Concurrent indexes,"
        " ValidateConstraint and Python that may run twice; the rest goes into another migration."
    ),
    "unknown-operation": "Say in lint_allows what it does and why the release before survives it.",
    "landed-edited": "Restore the file and add a new migration: databases that have it will never run it again.",
    "landed-missing": "Restore the file: databases say that they have it.",
    "unused-allowance": "Remove it from lint_allows: nothing in the migration needs it.",
    "allowance-without-reason": "Write the reason for whoever reads the report: lint_allows = {rule: reason}.",
}  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """One thing the release before may not survive; ``reason`` is set where the migration declares it on purpose."""

    rule: str
    migration: str
    file: str
    operation: str
    problem: str
    reason: str = ""

    @property
    def instead(self) -> str:
        """What to do instead."""
        return INSTEAD[self.rule]
