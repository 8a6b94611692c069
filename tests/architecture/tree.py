"""What the architecture tests look at: the files of the repository and the syntax of its modules."""

import ast
import gc
import subprocess
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
FLOORS = ("tenants", "tasks", "integrations", "reporting")
PRODUCT = ("config", *FLOORS)
NOT_OURS = {".git", ".venv", "var", "node_modules", "__pycache__"}


@dataclass(frozen=True)
class Module:
    """One Python file: its path from the root, its text and its syntax tree."""

    path: Path
    text: str
    tree: ast.Module

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """The whole tree, node by node: walked once, however many rules look at it."""
        return tuple(ast.walk(self.tree))

    def where(self, node: ast.AST) -> str:
        """A place a person can open: ``file:line``."""
        return f"{self.path}:{getattr(node, 'lineno', 1)}"


@cache
def files() -> tuple[Path, ...]:
    """Every file that is or would be committed, relative to the root."""
    asked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if asked.returncode == 0:
        found = [Path(name) for name in asked.stdout.split("\0") if name]
    else:  # an unpacked archive has no index
        found = [path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file()]
    return tuple(sorted(p for p in set(found) if not NOT_OURS & set(p.parts) and (ROOT / p).is_file()))


@cache
def modules(*packages: str) -> tuple[Module, ...]:
    """The Python files of these top folders, migrations left out: they are written by a machine."""
    chosen = [
        p for p in files() if p.suffix == ".py" and p.parts[0] in packages and "migrations" not in p.parts
    ]
    # Trees are kept to the end: looking through them for garbage, again and again, took longer than reading them.
    gc.collect()
    gc.disable()
    try:
        return tuple(read(path) for path in chosen)
    finally:
        gc.freeze()
        gc.enable()


@cache
def read(path: Path) -> Module:
    text = (ROOT / path).read_text(encoding="utf-8")
    module = Module(path, text, ast.parse(text, filename=str(path)))
    assert module.nodes
    return module


def text_of(path: Path) -> str | None:
    """The file's text, or None when it holds bytes that are no text (pictures, fonts)."""
    try:
        return (ROOT / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def imported_names(module: Module) -> list[tuple[ast.stmt, str]]:
    """Each imported module with its statement, ``from a.b import c`` as ``a.b`` and ``a.b.c``."""
    found: list[tuple[ast.stmt, str]] = []
    for node in module.nodes:
        if isinstance(node, ast.Import):
            found += [(node, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found += [(node, node.module), *((node, f"{node.module}.{alias.name}") for alias in node.names)]
    return found
