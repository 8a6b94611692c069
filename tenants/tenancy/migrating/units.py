"""What is sent to a tenant: rendered SQL, or Python through Django, grouped by what may share a transaction."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from threading import Lock
from typing import cast

from django.db.migrations.loader import MigrationLoader
from django.db.migrations.migration import Migration
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from tenants.models import TemplateMigration
from tenants.tenancy.template import Key


@dataclass(frozen=True)
class Script:
    """One migration as it reaches a tenant; ``sql`` is None where it runs Python."""

    key: Key
    sql: str | None
    is_atomic: bool

    @property
    def name(self) -> str:
        return ".".join(self.key)


@dataclass(frozen=True)
class Unit:
    """Migrations that go together: any number of plain SQL ones, else a single one."""

    scripts: tuple[Script, ...]

    @property
    def keys(self) -> list[Key]:
        return [script.key for script in self.scripts]

    @property
    def is_plain(self) -> bool:
        """Whether it is SQL for one transaction: one round trip."""
        return all(script.sql is not None and script.is_atomic for script in self.scripts)


@dataclass(frozen=True)
class Move:
    """One operation with the states before and after it."""

    operation: Operation
    before: ProjectState
    after: ProjectState


@dataclass(frozen=True)
class PythonMigration:
    """A migration ready to run in any number of tenants: the historic models are made once."""

    migration: Migration
    moves: tuple[Move, ...]


class Library:
    """The scripts of a run, read from the control plane once; historic models are made when first asked for."""

    def __init__(self, keys: Iterable[Key]) -> None:
        rows = TemplateMigration.objects.filter(name__in={name for _, name in keys})
        self._scripts = {
            (row.app, row.name): Script((row.app, row.name), row.sql, row.is_atomic) for row in rows
        }
        self._python: dict[Key, PythonMigration] = {}
        self._loader: MigrationLoader | None = None
        self._lock = Lock()

    def units(self, keys: Sequence[Key]) -> list[Unit]:
        """``keys`` in their order, neighbours of plain SQL together."""
        scripts = [self.script(key) for key in keys]
        units: list[Unit] = []
        for is_plain, group in groupby(scripts, key=lambda s: s.sql is not None and s.is_atomic):
            found = tuple(group)
            units += [Unit(found)] if is_plain else [Unit((script,)) for script in found]
        return units

    def script(self, key: Key) -> Script:
        """The script of one migration; one the template never rendered goes through Django."""
        found = self._scripts.get(key)
        if found is None or found.sql is None:
            return Script(key, None, bool(self.python(key).migration.atomic))
        return found

    def python(self, key: Key) -> PythonMigration:
        """The migration itself, with its states."""
        with self._lock:
            if key not in self._python:
                self._python[key] = self._prepare(key)
            return self._python[key]

    def _prepare(self, key: Key) -> PythonMigration:
        self._loader = self._loader or MigrationLoader(None)
        migration = cast(Migration, self._loader.graph.nodes[key])
        state = self._loader.project_state(key, at_end=False)
        moves: list[Move] = []
        for operation in migration.operations:
            before = _fresh(state)
            operation.state_forwards(key[0], state)
            moves.append(Move(operation, before, _fresh(state)))
        return PythonMigration(migration, tuple(moves))


def _fresh(state: ProjectState) -> ProjectState:
    """A copy whose models are made anew and completely: nothing is left to be filled in, so threads may share it."""
    copy = ProjectState(
        models={name: model.clone() for name, model in state.models.items()}, real_apps=state.real_apps
    )
    _ = copy.apps
    return copy
