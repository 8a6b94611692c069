"""One demo at a time under one folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from integrations.demo.only_one import hold
from tenants.foundation.errors import Conflict


def test_a_second_demo_is_told_who_runs_the_first(tmp_path: Path) -> None:
    path = tmp_path / "demo" / "running"
    with hold(path), pytest.raises(Conflict, match=f"as process {os.getpid()}"):
        hold(path)


def test_the_place_is_free_again_when_the_first_has_ended(tmp_path: Path) -> None:
    hold(tmp_path / "running").close()
    hold(tmp_path / "running").close()
