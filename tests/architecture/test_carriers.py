"""Caches, files, locks, streams and messages are reached through the doors that carry the company."""

import ast

import pytest

from tests.architecture.tree import FLOORS, Module, imported_names, modules

# Who may use which carrier, and why that is right.
CACHES = {
    # That the state of a grant was used: the key of the default cache carries the company.
    "integrations/oauth/state.py",
    # Undoing a change: the key of the default cache carries the company.
    "tasks/console/undoing.py",
    # How often the proxy asked in a minute belongs to no company: caches["platform"].
    "tenants/branding/domains/asking.py",
    # Which domains are about to be lost: the default cache, by company.
    "tenants/branding/domains/warnings.py",
    # That the company's mail server fails: likewise.
    "tenants/branding/mail_servers/warnings.py",
    # When it sent its last test letter: likewise.
    "tenants/branding/mail_servers/pacing.py",
    # How often somebody guessed of late: the default cache, by company.
    "tenants/accounts/delays.py",
    # How many letters somebody had sent in an hour: the default cache, by company.
    "tenants/foundation/letters/rationing.py",
    # How much a directory asked for in a minute: the default cache, by company.
    "tenants/accounts/scim/tokens.py",
    # What a provider says of itself, and how many refusals a minute had: the default cache, by company.
    "tenants/accounts/sso/oidc/discovery.py",
    "tenants/accounts/sso/sso_log.py",
    # The probe of readiness belongs to no company and says so: caches["platform"].
    "tenants/foundation/health.py",
}
VALKEY = {
    # A cell's bell for its dispatchers: says that there is work, not whose.
    "tenants/dispatch/waking.py", "tenants/dispatch/dispatcher.py",
    # Budgets of Notion's workspaces, which Notion counts whichever companies have connected them.
    "integrations/sync/limiter.py",
    # How far each company has written: one sorted set a cell, by the company's id.
    "tenants/tenancy/positions.py",
    # Deletes what carries the id of a company that is no more.
    "tenants/lifecycle/deletion/steps.py",
    # The name of an error only.
    "tasks/console/undoing.py", "tenants/tenancy/replicas.py",
    # Whether the platform awaits a handshake just now: it is the platform's own.
    "integrations/webhooks/window.py", "integrations/webhooks/platform.py",
    "integrations/management/commands/platform_webhook.py",
}  # fmt: skip
STORED_FILES = {
    # The images of the brand, below the company's own folder.
    "tenants/branding/services.py",
    "tenants/branding/console.py",
    # Copies them out, in one company's scope.
    "tenants/management/commands/brand.py",
    # Reads and deletes what the storage lists in one company's scope.
    "tenants/lifecycle/export/stored_files.py",
}
# Folders that work with files of the platform: a demo on this machine, a stand-in of an outside service, backups and
# exports (sealed, named by ids), the commands that build the style sheets.
FILE_ROOMS = (
    "integrations/demo/", "integrations/sandbox/", "tenants/backups/", "tenants/lifecycle/", "tenants/management/",
    "tenants/foundation/crypto/",
    # The list of landed migrations, written by a developer's command.
    "tenants/tenancy/linting/",
)  # fmt: skip
MESSAGES = {"tenants/dispatch/broker.py"}
STREAMS = {
    "tenants/tenancy/streaming.py", "integrations/console/sync_runs.py", "tenants/console/company_data.py",
    "tenants/api/exports.py", "tenants/accounts/streams.py",
}  # fmt: skip
# A thread starts without a scope. Each of these opens its own, or works for no company: it renews leases, watches
# cells, checks readiness, compares tables as the owner, asks a name server.
THREADS = {
    "tenants/branding/domains/lookups.py",
    "tenants/dispatch/absences.py", "tenants/dispatch/heartbeats.py", "tenants/foundation/health.py",
    "tenants/lifecycle/keeping_alive.py", "tenants/lifecycle/moving/comparing.py",
    "tenants/tenancy/migrating/turns.py",
}  # fmt: skip


def users_of(*names: str) -> set[str]:
    """Files that import one of these, or something inside."""
    return {
        str(module.path)
        for module in modules(*FLOORS)
        for _node, name in imported_names(module)
        if any(name == wanted or name.startswith(f"{wanted}.") for wanted in names)
    }


def callers_of(*names: str) -> set[str]:
    """Files with a call of a name, or of an attribute of that name."""
    return {str(module.path) for module in modules(*FLOORS) if calls_one_of(module, set(names))}


def calls_one_of(module: Module, names: set[str]) -> bool:
    return any(
        isinstance(node, ast.Call)
        and (node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")) in names
        for node in module.nodes
    )


def test_who_uses_the_cache_is_known() -> None:
    assert users_of("django.core.cache") == CACHES


def test_whole_answers_are_never_cached() -> None:
    """Django's caches of pages know nothing of companies."""
    assert callers_of("cache_page") == set()
    text = "".join(module.text for module in modules("config"))
    assert "UpdateCacheMiddleware" not in text
    assert "FetchFromCacheMiddleware" not in text


def test_who_speaks_to_valkey_is_known() -> None:
    assert users_of("redis", "valkey") == VALKEY


def test_stored_files_are_reached_through_the_companys_storage() -> None:
    assert users_of("django.core.files") - {"tenants/tenancy/storage.py"} == STORED_FILES


def test_files_are_opened_only_where_they_are_the_platforms() -> None:
    """What a company gives us goes into its storage; nothing else writes to a disk."""
    writers = {"open", "write_text", "write_bytes", "mkdtemp", "NamedTemporaryFile", "TemporaryFile", "mkdir"}
    found = {
        f"{module.where(node)} {ast.unparse(node.func)}"
        for module in modules(*FLOORS)
        if not str(module.path).startswith(FILE_ROOMS)
        for node in module.nodes
        if isinstance(node, ast.Call) and is_file_call(node, writers)
    }
    assert found == set()


def is_file_call(node: ast.Call, names: set[str]) -> bool:
    if isinstance(node.func, ast.Name):
        return node.func.id in names
    # Querysets and envelopes are opened as well: only what has a mode, or is a path, is a file.
    is_named = isinstance(node.func, ast.Attribute) and node.func.attr in names
    if is_named and isinstance(node.func, ast.Attribute) and node.func.attr == "open":
        modes = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
        return any(isinstance(mode, str) and set(mode) <= set("rwaxbt+") for mode in modes)
    return is_named


def test_locks_of_the_database_are_taken_in_one_place() -> None:
    """Their keys carry the company, or say that they are the platform's."""
    found = {str(module.path) for module in modules(*FLOORS) if "advisory" in strings_of(module)}
    assert all(
        path.startswith(("tenants/tenancy/", "tenants/lifecycle/", "tenants/backups/")) for path in found
    ), found


def strings_of(module: Module) -> str:
    """The text of all constants that are no docstrings."""
    docs = {
        id(node.body[0].value)
        for node in module.nodes
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return " ".join(
        str(node.value) for node in module.nodes if isinstance(node, ast.Constant) and id(node) not in docs
    )


def test_messages_are_sent_in_one_place() -> None:
    assert callers_of("send_task", "apply_async", "delay") == MESSAGES


def test_streamed_answers_are_known() -> None:
    users = {str(module.path) for module in modules(*FLOORS) if "StreamingHttpResponse" in module.text}
    assert users == STREAMS


def test_a_thread_is_started_only_where_it_opens_its_own_scope() -> None:
    found = callers_of("Thread", "ThreadPoolExecutor", "run_in_executor")
    rooms = ("integrations/demo/", "integrations/sandbox/", "tenants/backups/")
    assert {path for path in found if not path.startswith(rooms)} == THREADS


@pytest.mark.parametrize(
    ("source", "is_file"),
    [
        ("open('x')", True),
        ("path.open('rb')", True),
        ("path.write_text('x')", True),
        ("runs.open()", False),
        ("envelope().open(sealed, place)", False),
    ],
)
def test_the_rule_on_files_knows_them(source: str, is_file: bool) -> None:
    call = ast.parse(source).body[0]
    assert isinstance(call, ast.Expr)
    assert isinstance(call.value, ast.Call)
    assert is_file_call(call.value, {"open", "write_text"}) is is_file
