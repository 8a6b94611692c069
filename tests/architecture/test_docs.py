"""What people read agrees with what is there: variables, links, commands, decisions, workflow and hooks."""

import ast
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from config.env import ROOT as PROJECT
from config.env import Environment
from tests.architecture.rendered import SCRIPTS
from tests.architecture.tree import FLOORS, ROOT, files, modules

PAGES = [path for path in files() if path.suffix == ".md"]
DECISIONS = sorted(path for path in PAGES if path.match("docs/decisions/[0-9]*.md"))
HEADINGS = ["Context", "Decision", "Consequences", "Look again when"]
TABLE_BASES = {"models.Model", "Model", "AbstractBaseUser"}
ROW = re.compile(r"^\| `([A-Z_]+)` \| (?:`([^`]*)`|none|empty) \| (.+) \|$", re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def documented() -> dict[str, tuple[str, str]]:
    """Variable → (default as written, meaning), from the table of docs/configuration.md."""
    text = (ROOT / "docs" / "configuration.md").read_text()
    return {name: (default, meaning) for name, default, meaning in ROW.findall(text)}


def as_written(default: object) -> str:
    """A default the way the table shows it."""
    if default is None or default == []:
        return ""
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, Path):
        return str(default.relative_to(PROJECT))
    return str(default)


def test_the_table_has_every_variable_and_no_other() -> None:
    assert documented().keys() == {name.upper() for name in Environment.model_fields}


@pytest.mark.parametrize("name", Environment.model_fields)
def test_a_variable_s_default_is_the_one_in_the_table(name: str) -> None:
    assert documented()[name.upper()][0] == as_written(Environment.model_fields[name].default)


def test_the_table_says_what_production_requires() -> None:
    marked = {name for name, (_, meaning) in documented().items() if "Required in production" in meaning}
    text = (ROOT / "config" / "env.py").read_text().partition("def require_for_production")[2]
    assert marked == set(re.findall(r'^        "([A-Z_]+)', text, re.MULTILINE))


@pytest.mark.parametrize("document", PAGES, ids=str)
def test_links_lead_somewhere(document: Path) -> None:
    text = re.sub(r"```.*?```|`[^`\n]*`", "", (ROOT / document).read_text(), flags=re.DOTALL)
    dead = [
        target
        for target in LINK.findall(text)
        if not target.startswith(("http://", "https://", "mailto:", "#"))
        and not (ROOT / document.parent / target.partition("#")[0]).exists()
    ]
    assert not dead


@pytest.mark.parametrize("document", PAGES, ids=str)
def test_files_and_folders_that_are_named_exist(document: Path) -> None:
    """Paths in code marks that begin with one of our folders; patterns and placeholders are left out."""
    named = re.findall(
        r"`((?:config|tenants|tasks|integrations|reporting|tests|docs|k8s|benchmarks)/[\w./-]+)`",
        (ROOT / document).read_text(),
    )
    missing = [name for name in named if not (ROOT / name).exists()]
    assert not missing


@pytest.mark.parametrize("document", PAGES, ids=str)
def test_commands_that_are_named_exist(document: Path) -> None:
    text = (ROOT / document).read_text()
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", text)) <= targets
    commands = {path.stem for path in files() if path.match("*/management/commands/*.py")} | {
        "help", "makemigrations", "migrate", "shell", "check",
    }  # fmt: skip
    assert set(re.findall(r"manage\.py ([a-z_]+)", text)) <= commands


@pytest.mark.parametrize("document", PAGES, ids=str)
def test_fences_are_closed_and_diagrams_say_what_they_are(document: Path) -> None:
    text = (ROOT / document).read_text()
    fences = re.findall(r"^ *```(\w*)", text, re.MULTILINE)
    assert len(fences) % 2 == 0
    for diagram in re.findall(r"^```mermaid\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        assert diagram.startswith(("flowchart ", "sequenceDiagram\n", "erDiagram\n", "stateDiagram-v2\n"))
        assert diagram.count("[") == diagram.count("]")


def test_decisions_are_numbered_without_a_gap_and_listed() -> None:
    numbers = [int(path.name[:4]) for path in DECISIONS]
    assert numbers == list(range(1, len(numbers) + 1))
    index = (ROOT / "docs/decisions/README.md").read_text()
    for path in DECISIONS:
        assert f"({path.name})" in index


@pytest.mark.parametrize("document", DECISIONS, ids=lambda path: path.name)
def test_a_decision_is_short_and_says_why(document: Path) -> None:
    text = (ROOT / document).read_text()
    assert text.startswith(f"# {document.name[:4]} ")
    assert "**State**: " in text
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == HEADINGS
    assert len(text.splitlines()) <= 70


def test_the_changelog_has_its_form() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    versions = re.findall(r"^## \[([^\]]+)\](?: - (\d{4}-\d{2}-\d{2}))?$", text, re.MULTILINE)
    assert versions[0] == ("Unreleased", "")
    kinds = set(re.findall(r"^### (.+)$", text, re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_the_workflow_runs_the_script_that_everybody_runs() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    assert any(step.get("run") == ".ci/run" for step in steps)
    assert workflow["permissions"] == {"contents": "read"}
    script = (ROOT / ".ci" / "run").read_text()
    assert "make check" in script
    assert "make test" in script


def test_the_commit_hooks_are_valid_and_fetch_nothing(tmp_path: Path) -> None:
    path = ROOT / ".pre-commit-config.yaml"
    config = yaml.safe_load(path.read_text())
    assert {repository["repo"] for repository in config["repos"]} == {"local"}
    hooks = [hook for repository in config["repos"] for hook in repository["hooks"]]
    assert {hook["language"] for hook in hooks} == {"system"}
    for hook in hooks:
        assert (SCRIPTS / hook["entry"].split()[0].removeprefix(".venv/bin/")).exists()
    done = subprocess.run(
        [str(SCRIPTS / "prek"), "validate-config", str(path)],
        capture_output=True, text=True, check=False, env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_data_model_names_every_table() -> None:
    named = set(re.findall(r"^\| `(\w+)` \|", (ROOT / "docs" / "data-model.md").read_text(), re.MULTILINE))
    tables = {
        node.name
        for module in modules(*FLOORS)
        if "models" in module.path.parts or module.path.name == "models.py"
        for node in module.nodes
        if isinstance(node, ast.ClassDef) and {ast.unparse(base) for base in node.bases} & TABLE_BASES
    }
    assert named == tables


def test_the_table_of_metrics_is_complete() -> None:
    documented_metrics = re.findall(
        r"^\| `(nts_\w+)` \|", (ROOT / "docs" / "operations.md").read_text(), re.MULTILINE
    )
    made = [
        str(node.args[0].value)
        for module in modules(*FLOORS)
        for node in module.nodes
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in {"Counter", "Gauge", "Histogram"}
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    ]
    assert sorted(documented_metrics) == sorted(made)


def test_the_events_that_are_named_are_logged() -> None:
    text = (ROOT / "docs" / "operations.md").read_text().partition("## Logs")[2].partition("## First aid")[0]
    named = set(re.findall(r"`([a-z_]+\.[a-z_]+)`", text))
    logged = {
        str(node.args[0].value)
        for module in modules(*FLOORS)
        for node in module.nodes
        if isinstance(node, ast.Call)
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and ast.unparse(node.func).startswith(("log.", "write"))
    }
    assert named
    assert named <= logged
