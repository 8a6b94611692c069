"""Files: short, named after what they hold, opened with a sentence, free of any one machine's traces."""

import ast
import re
from pathlib import Path

from tests.architecture.tree import PRODUCT, ROOT, files, modules, text_of

MOST_LINES = 400
COUNTED = {".py", ".html", ".js", ".css", ".sql", ".lua"}
NAMES_THAT_SAY_NOTHING = {
    "utils",
    "util",
    "helpers",
    "helper",
    "common",
    "manager",
    "managers",
    "misc",
    "core",
    "base_service",
}
SNAKE_CASE = re.compile(r"^(__)?[a-z0-9]+(_[a-z0-9]+)*(__)?$")
# Written in pieces, so that this file does not find itself.
HOSTS_OF_REGISTRIES = [
    "".join(parts)
    for parts in (
        ("pypi", ".org"), ("python", "hosted.org"), ("registry.n", "pmjs.org"), ("registry.ya", "rnpkg.com"),
        ("crates", ".io/"), ("proxy.golang", ".org"),
    )
]  # fmt: skip
PATHS_OF_A_MACHINE = re.compile(
    "|".join(("/ro" + r"ot/\w", "/wo" + r"rk/(main|shared)", "/ho" + r"me/\w+/", "/Us" + r"ers/\w+/"))
)


def test_no_file_is_longer_than_four_hundred_lines() -> None:
    long = {}
    for path in files():
        if path.suffix in COUNTED and "migrations" not in path.parts and not is_generated(path):
            count = len((text_of(path) or "").splitlines())
            if count > MOST_LINES:
                long[str(path)] = count
    assert not long, f"Split them; two files of 150 lines beat one of 300: {long}"


def is_generated(path: Path) -> bool:
    """Data made by a machine and not read by people (its first lines say so)."""
    return "generated" in "\n".join((text_of(path) or "").splitlines()[:3]).lower()


def test_every_module_opens_with_one_sentence() -> None:
    silent = []
    for module in modules(*PRODUCT, "tests", "benchmarks"):
        if module.path.name == "__init__.py" and not module.text.strip():
            continue
        sentence = (ast.get_docstring(module.tree) or "").split("\n\n")[0]
        if not sentence.rstrip().endswith((".", "!", "?", ":")):
            silent.append(str(module.path))
    assert not silent, f"Say in one sentence what the module holds: {silent}"


def test_files_are_named_after_the_thing_they_hold() -> None:
    vague = [str(m.path) for m in modules(*PRODUCT, "tests") if m.path.stem in NAMES_THAT_SAY_NOTHING]
    assert not vague, f"Name the thing: {vague}"


def test_every_package_folder_has_an_init_file() -> None:
    folders = {m.path.parent for m in modules(*PRODUCT, "tests")}
    missing = [str(folder) for folder in sorted(folders) if not (ROOT / folder / "__init__.py").exists()]
    assert not missing, f"Without __init__.py two test files of one name collide: {missing}"


def test_names_are_plain_english_letters() -> None:
    """Files in snake case; identifiers in ASCII. Other languages belong into texts."""
    odd = [str(m.path) for m in modules(*PRODUCT, "tests") if not SNAKE_CASE.match(m.path.stem)]
    for module in modules(*PRODUCT, "tests"):
        for node in module.nodes:
            name = getattr(node, "name", None) or getattr(node, "id", None) or getattr(node, "arg", None)
            if isinstance(name, str) and not name.isascii():
                odd.append(f"{module.where(node)} {name}")
    assert not odd


def test_no_file_names_the_host_of_a_package_registry() -> None:
    found = [
        f"{path}: {host}" for path in files() for host in HOSTS_OF_REGISTRIES if host in (text_of(path) or "")
    ]
    assert not found, f"Locks and scripts work with whatever registry a machine is configured for: {found}"


def test_no_file_holds_a_path_of_one_machine() -> None:
    found = [
        f"{path}: {match.group()}"
        for path in files()
        if (match := PATHS_OF_A_MACHINE.search(text_of(path) or ""))
    ]
    assert not found


def test_every_locked_dependency_is_pinned_and_hashed() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        # pip joins a line that ends in a backslash with the next one.
        lines = (ROOT / name).read_text().replace("\\\n", " ").splitlines()
        entries = [line for line in lines if line.strip() and not line.startswith("#")]
        assert entries
        loose = [line[:60] for line in entries if "==" not in line or "--hash=sha256:" not in line]
        assert not loose, f"{name}: {loose}"


def test_what_runs_is_a_part_of_what_is_developed_with() -> None:
    """The same version in both locks, or the suite tests something else than what is deployed."""
    runtime, development = (pins(name) for name in ("requirements.lock", "requirements-dev.lock"))
    assert runtime
    assert runtime.items() <= development.items(), runtime.items() - development.items()


def pins(name: str) -> dict[str, str]:
    return dict(re.findall(r"(?m)^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", (ROOT / name).read_text()))
