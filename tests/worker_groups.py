"""Which tests must share a worker (`xdist_group`), told to pytest-xdist whatever it makes of the marker itself.

pytest-xdist 3.8 hands the group on in the test's id, and pytest 9.2 lets nobody write there: `--dist loadgroup` then
deals out every test by itself. The process that deals out collects nothing, so it reads the markers in the files.
"""

import ast
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

MARKER = "xdist_group"
type Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class GroupScheduling(LoadScopeScheduling):
    """Deals tests out one by one, and those of a group to one worker."""

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        super().__init__(config, log)
        self._root = config.rootpath

    def _split_scope(self, nodeid: str) -> str:
        """The group of a test; its own id where it has none."""
        return group_of(self._root, nodeid) or nodeid


def group_of(root: Path, nodeid: str) -> str:
    """The group a test belongs to, `""` for none; several are one by all their names, as with pytest-xdist.

    Names must stand in the file as text: `pytestmark` of the module, decorators of the test and of its classes.
    """
    path, *names = nodeid.partition("[")[0].split("::")
    found = groups_in(root / path)
    places = ["::".join(names[:depth]) for depth in range(len(names) + 1)]
    return "_".join(sorted({group for place in places for group in found.get(place, ())}))


@cache
def groups_in(file: Path) -> Mapping[str, frozenset[str]]:
    """The groups named in a file, by where they hold: `""` the whole module, else `Class::test`."""
    text = file.read_text() if file.is_file() else ""
    if MARKER not in text:
        return {}
    found: dict[str, frozenset[str]] = {}
    _look_into(ast.parse(text).body, (), found)
    return found


def _look_into(body: Iterable[ast.stmt], outer: tuple[str, ...], found: dict[str, frozenset[str]]) -> None:
    for statement in body:
        if isinstance(statement, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == "pytestmark" for target in statement.targets
        ):
            _add(found, outer, [statement.value])
        elif isinstance(statement, Definition.__value__):
            place = (*outer, statement.name)
            _add(found, place, statement.decorator_list)
            if isinstance(statement, ast.ClassDef):
                _look_into(statement.body, place, found)


def _add(found: dict[str, frozenset[str]], place: tuple[str, ...], expressions: Iterable[ast.expr]) -> None:
    calls = [
        node for expression in expressions for node in ast.walk(expression) if isinstance(node, ast.Call)
    ]
    names = frozenset(
        str(ast.literal_eval(value))
        for call in calls
        if isinstance(call.func, ast.Attribute) and call.func.attr == MARKER
        for value in [*call.args, *(keyword.value for keyword in call.keywords)]
    )
    if names:
        key = "::".join(place)
        found[key] = found.get(key, frozenset()) | names
