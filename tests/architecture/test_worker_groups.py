"""Tests of a group run in one worker, the others are dealt out one by one."""

import os
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from tests.worker_groups import MARKER, group_of

ROOT = Path(__file__).resolve().parents[2]
ALONE = """
import time
import pytest

@pytest.mark.parametrize("number", range(8))
def test_alone(number):
    time.sleep(0.05)
"""
GROUPED = """
import time
import pytest

pytestmark = [pytest.mark.xdist_group("server")]

@pytest.mark.parametrize("number", ["1", "a::b"])
def test_grouped(number):
    time.sleep(0.05)

class TestOfAClass:
    def test_grouped(self):
        time.sleep(0.05)
"""
DECORATED = """
import pytest

@pytest.mark.xdist_group("server")
def test_grouped():
    pass

def test_alone():
    pass
"""
RAN = re.compile(r"\[(gw\d)\].*PASSED (\S+)")


def test_tests_of_a_group_share_a_worker_and_others_are_shared_out_one_by_one(tmp_path: Path) -> None:
    for name, text in {"test_alone": ALONE, "test_first": GROUPED, "test_second": DECORATED}.items():
        (tmp_path / f"{name}.py").write_text(text)
    (tmp_path / "conftest.py").write_text(
        "from tests.conftest import pytest_xdist_make_scheduler\n__all__ = ['pytest_xdist_make_scheduler']\n"
    )
    (tmp_path / "pytest.ini").write_text(f"[pytest]\nmarkers = {MARKER}\n")
    run = subprocess.run(
        [
            sys.executable, "-m", "pytest", "-v", "-n", "2", "--dist", "loadgroup", "-p", "no:cacheprovider",
            "-p", "no:playwright", "--rootdir", str(tmp_path), str(tmp_path),
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "config.settings.test"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr

    workers: dict[str, set[str]] = defaultdict(set)
    for worker, test in RAN.findall(run.stdout):
        workers["grouped" if "grouped" in test else "alone"].add(worker)
    assert len(workers["grouped"]) == 1, run.stdout
    assert workers["alone"] == {"gw0", "gw1"}, run.stdout


def test_groups_are_read_from_the_files_as_the_markers_have_them(request: pytest.FixtureRequest) -> None:
    items = request.session.items
    differing = {
        item.nodeid: (group_of(request.config.rootpath, item.nodeid), marked)
        for item in items
        if group_of(request.config.rootpath, item.nodeid)
        != (marked := "_".join(sorted({mark.args[0] for mark in item.iter_markers(MARKER)})))
    }
    assert differing == {}
