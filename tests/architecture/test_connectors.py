"""Every connector folder has what the kernel and the next engineer look for, and nothing it may not have."""

import ast

import pytest

from integrations.registry import connectors, read_manifest
from tests.architecture.tree import ROOT, modules

FOLDER = ROOT / "integrations" / "connectors"
KEYS = sorted(path.parent.name for path in FOLDER.glob("*/manifest.toml"))
# Retries, waiting, tokens and limits are the kernel's.
NOT_A_CONNECTOR_S_BUSINESS = {"random", "redis", "threading", "asyncio", "celery", "django"}

every_connector = pytest.mark.parametrize("key", KEYS)


def test_every_folder_is_found_by_the_registry() -> None:
    folders = {path.name for path in FOLDER.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders
    assert folders == set(connectors())


@every_connector
def test_a_folder_has_its_parts(key: str) -> None:
    names = {path.name for path in (FOLDER / key).iterdir()}
    assert {"__init__.py", "manifest.toml", "client.py", "mapping.py", "README.md"} <= names
    assert (ROOT / "tests" / "integrations" / "connectors" / key).is_dir()


@every_connector
def test_the_manifest_s_key_is_the_folder_s_name(key: str) -> None:
    assert read_manifest(FOLDER / key / "manifest.toml").key == key


@every_connector
def test_the_readme_explains_every_scope(key: str) -> None:
    text = (FOLDER / key / "README.md").read_text().lower()
    scopes = read_manifest(FOLDER / key / "manifest.toml").auth.scopes
    assert [scope for scope in scopes if scope.lower().replace("_", " ") not in text.replace("_", " ")] == []


@every_connector
def test_a_connector_keeps_to_its_business(key: str) -> None:
    """No waiting, no stores, no framework: it says what to ask and understands the answer."""
    found = []
    for module in modules("integrations"):
        if module.path.parts[:3] != ("integrations", "connectors", key):
            continue
        for node in module.nodes:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names.append(node.module or "")
            found += [
                f"{module.where(node)} {name}"
                for name in names
                if name.partition(".")[0] in NOT_A_CONNECTOR_S_BUSINESS
            ]
    assert not found


def test_no_other_file_names_a_connector() -> None:
    """What is above a connector knows it through the registry, or the next one needs changes everywhere."""
    allowed = ("integrations/connectors/", "integrations/sandbox/", "integrations/demo/")
    found = [
        f"{module.where(node)} {name}"
        for module in modules("integrations", "tasks", "reporting", "tenants")
        if not str(module.path).startswith(allowed)
        for node in module.nodes
        if isinstance(node, ast.ImportFrom)
        for name in [node.module or ""]
        if name.startswith("integrations.connectors.")
    ]
    assert not found
