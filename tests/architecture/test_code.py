"""House rules read off the syntax: SQL, errors, the environment, HTTP clients, logging, sleeping."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.architecture.tree import FLOORS, PRODUCT, Module, imported_names, modules, read

RAW_SQL_ROOMS = (
    "reporting/sql/",
    "tenants/tenancy/",
    "tenants/dispatch/",
    "tenants/backups/",
    "tenants/lifecycle/",
    "tenants/audit/",
    "config/embedded.py",
)
SQL_CALLS = {"execute", "executemany", "executescript", "cursor", "raw", "extra"}
SQL_NAMES = {"RawSQL"}
OTHER_HTTP_CLIENTS = {
    "requests",
    "httpx",
    "urllib3",
    "aiohttp",
    "pycurl",
    "http.client",
    "urllib.request",
    "notion_client",
}
# They start processes and steer the stand-in of an outside service on this machine, never in production.
STAGE_HANDS = ("integrations/demo/", "integrations/sandbox/")
LOG_METHODS = {"debug", "info", "warning", "error", "exception", "critical"}
EVENT_NAME = re.compile(r"^[a-z][a-z_]*(\.[a-z][a-z_]*)+$")
BROAD = {"Exception", "BaseException"}


def calls(module: Module) -> Iterator[tuple[ast.Call, str]]:
    """Each call with the last part of what is called: ``a.b.c()`` gives ``c``."""
    for node in module.nodes:
        if isinstance(node, ast.Call):
            function = node.func
            if isinstance(function, ast.Attribute):
                yield node, function.attr
            elif isinstance(function, ast.Name):
                yield node, function.id


def test_raw_sql_stands_only_in_its_rooms() -> None:
    found = [
        f"{module.where(node)} {name}()"
        for module in modules(*PRODUCT)
        if not str(module.path).startswith(RAW_SQL_ROOMS)
        for node, name in calls(module)
        if (name in SQL_CALLS and isinstance(node.func, ast.Attribute)) or name in SQL_NAMES
    ]
    assert not found, f"Use querysets; raw SQL belongs to {RAW_SQL_ROOMS}: {found}"


def test_no_statement_is_put_together_from_text() -> None:
    """Values travel as parameters, names through ``psycopg.sql``; only a constant may be set in."""
    found = [
        module.where(node)
        for module in modules(*PRODUCT)
        for node, name in calls(module)
        if name in {"execute", "executemany", "raw", "RawSQL"} and node.args and is_glued(node.args[0])
    ]
    assert not found


def is_glued(text: ast.expr) -> bool:
    if isinstance(text, ast.JoinedStr):
        inserted = [part.value for part in text.values if isinstance(part, ast.FormattedValue)]
        return not all(isinstance(value, ast.Name) and value.id.isupper() for value in inserted)
    return isinstance(text, ast.BinOp) or (
        isinstance(text, ast.Call)
        and isinstance(text.func, ast.Attribute)
        and text.func.attr == "format"
        and isinstance(text.func.value, ast.Constant)
    )


def test_no_error_is_swallowed() -> None:
    """Who catches everything says so in the log or passes it on; who catches something mends it."""
    found = []
    for module in modules(*PRODUCT):
        for node in module.nodes:
            if isinstance(node, ast.ExceptHandler) and catches_everything(node.type) and not tells(node):
                found.append(module.where(node))
            if (
                isinstance(node, ast.Call)
                and ast.unparse(node.func).endswith("suppress")
                and any(ast.unparse(argument) in BROAD for argument in node.args)
            ):
                found.append(module.where(node))
    assert not found, f"Catch only what you can mend: {found}"


def catches_everything(caught: ast.expr | None) -> bool:
    if caught is None:
        return True
    parts = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(ast.unparse(part) in BROAD for part in parts)


def tells(handler: ast.ExceptHandler) -> bool:
    for node in ast.walk(handler):
        if isinstance(node, ast.Raise):
            return True
        # The bound error goes somewhere: to the log, into a result, to whoever waits for it.
        if handler.name and isinstance(node, ast.Name) and node.id == handler.name:
            return True
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("log."):
            return True
    return False


def test_only_config_reads_the_environment() -> None:
    found = [
        module.where(node)
        for module in modules(*FLOORS)
        for node in module.nodes
        if not str(module.path).startswith(STAGE_HANDS)
        and isinstance(node, ast.Attribute)
        and ast.unparse(node) in {"os.environ", "os.getenv", "os.environb"}
        # Starting a child with our own environment reads nothing.
        and not is_handed_to_a_child(module, node)
    ]
    assert not found, f"Add a variable to config/env.py and a setting: {found}"


def is_handed_to_a_child(module: Module, node: ast.Attribute) -> bool:
    line = module.text.splitlines()[node.lineno - 1]
    return bool(re.search(r"\*\*os\.environ\b|os\.environ\.copy\(\)|dict\(os\.environ\)", line))


def test_there_is_one_http_client() -> None:
    found = [
        f"{module.where(node)} {name}"
        for module in modules(*PRODUCT)
        for node, name in imported_names(module)
        if (name in OTHER_HTTP_CLIENTS or name.partition(".")[0] in OTHER_HTTP_CLIENTS)
        and not (name.startswith("http.client") and str(module.path).startswith(STAGE_HANDS))
    ]
    assert not found, f"Calls go through tenants.foundation.http: {found}"


def test_there_are_no_signals_of_our_own() -> None:
    found = [
        module.where(node) for module in modules(*FLOORS) for node, name in calls(module) if name == "Signal"
    ]
    assert not found, f"Events say the same and can be found by name: {found}"


def test_a_log_line_has_a_dotted_name_and_key_values() -> None:
    found = []
    for module in modules(*PRODUCT):
        for node in module.nodes:
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if ast.unparse(node.func.value) != "log" or node.func.attr not in LOG_METHODS:
                continue
            event = node.args[0] if node.args else None
            is_named = isinstance(event, ast.Constant) and EVENT_NAME.match(str(event.value))
            if not is_named or len(node.args) > 1:
                found.append(f"{module.where(node)} {ast.unparse(node)[:80]}")
    assert not found, f'Write log.info("noun.verbed", key=value): {found}'


def test_connectors_and_jobs_never_sleep() -> None:
    """A job that has to wait gives its worker back: ``Retry(after_seconds=…)``."""
    found = [
        module.where(node)
        for module in modules(*FLOORS)
        if "connectors" in module.path.parts or module.path.name == "jobs.py"
        for node, name in calls(module)
        if name == "sleep"
    ]
    assert not found


def test_nothing_is_left_to_be_done_later() -> None:
    words = re.compile(
        r"#[^\n]*\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b|raise NotImplementedError\b"
    )
    found = [
        f"{module.path}: {match.group()}"
        for module in modules(*PRODUCT)
        if (match := words.search(module.text))
    ]
    assert not found


@pytest.mark.parametrize("floor", FLOORS)
def test_a_package_is_plugged_in_by_its_app_config(floor: str) -> None:
    """``ready()`` plugs in and decides nothing."""
    apps = [module for module in modules(floor) if module.path.name == "apps.py"]
    assert apps
    for module in apps:
        for node in module.nodes:
            if isinstance(node, ast.FunctionDef) and node.name == "ready":
                clever = [
                    n
                    for n in ast.walk(node)
                    if n is not node and isinstance(n, ast.If | ast.While | ast.Try | ast.FunctionDef)
                ]
                assert not clever, module.where(node)


# --- the rules above can fail


@pytest.mark.parametrize(
    ("source", "is_told"),
    [
        ("try:\n    f()\nexcept Exception:\n    pass", False),
        ("try:\n    f()\nexcept:\n    x = 1", False),
        ("try:\n    f()\nexcept Exception:\n    log.warning('a.b')", True),
        ("try:\n    f()\nexcept Exception as error:\n    keep(error)", True),
        ("try:\n    f()\nexcept Exception:\n    raise", True),
    ],
)
def test_the_rule_on_swallowed_errors_knows_them(source: str, is_told: bool) -> None:
    handler = next(node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ExceptHandler))
    assert catches_everything(handler.type)
    assert tells(handler) is is_told


def test_the_rules_read_this_very_file() -> None:
    here = next(m for m in modules("tests") if m.path.name == "test_code.py")
    assert read(here.path).text == here.text
    assert any(name == "calls" for _, name in calls(here))
