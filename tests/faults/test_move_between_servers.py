"""A company is moved between two PostgreSQL servers that know nothing of one another."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from config import embedded
from tests.faults.conftest import ROOT


@contextlib.contextmanager
def server() -> Iterator[tuple[Path, embedded.Services]]:
    """A server of its own, and its folder; both are gone when the block ends."""
    var = Path(tempfile.mkdtemp(prefix="nts-two-"))
    var.chmod(0o755)
    try:
        yield var, embedded.ensure_running(var)
    finally:
        embedded.stop(var)
        shutil.rmtree(var, ignore_errors=True)


def cell(alias: str, services: embedded.Services) -> dict[str, str]:
    name = f"two_{alias}"
    return {
        "alias": alias,
        "url": services.database_url(embedded.LOGIN_ROLE, services.login_password, name),
        "owner_url": services.database_url(embedded.OWNER_ROLE, services.owner_password, name),
        "admin_url": services.database_url(embedded.SUPERUSER, services.superuser_password, name),
    }


def test_a_company_is_moved_from_one_server_to_another_and_back() -> None:
    with server() as (var, here), server() as (_, there):
        done = subprocess.run(
            [sys.executable, "-m", "tests.faults.two_servers"],
            cwd=ROOT,
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "tests.faults.settings",
                "VAR_DIR": str(var),
                "CELLS": json.dumps([cell("cell_1", here), cell("cell_2", there)]),
                "LOG_LEVEL": "WARNING",
            },
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
    assert done.returncode == 0, done.stderr[-4000:]
    told = json.loads(done.stdout.splitlines()[-1])
    for name, tasks in (("cell_2", 20), ("cell_1", 40)):
        seen = told[name]
        assert (seen["state"], seen["lives_in"]) == ("succeeded", name)
        assert seen["tasks"] == seen["keys"] == tasks
        assert seen["rows"] > tasks
        assert seen["secret"] == "told to both servers"
        assert seen["read_only_seconds"] < 5
    # A role is its server's: made where the company comes to, gone from where nothing of it is left.
    assert told["roles_after_first"] == ["cell_2"]
    assert told["roles_at_end"] == ["cell_1"]
