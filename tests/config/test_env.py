"""A wrong or missing setting stops the start with a sentence that says what to set."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def start(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "import django; django.setup()"],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env={"PATH": os.environ["PATH"], "EMBEDDED_SERVICES": "0", **environment},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("DATABASE_URL", "mysql://x", "postgresql://"),
        ("REDIS_URL", "http://x", "redis://"),
        ("CELLS", "{not json", "JSON list of cells"),
        ("SYNC_POLL_SECONDS", "soon", "integer"),
        ("LOG_LEVEL", "LOUD", "DEBUG"),
        ("EMAIL_URL", "pigeon:", "smtp+tls://"),
    ],
)
def test_a_wrong_value_is_named_and_never_shown(name: str, value: str, sentence: str) -> None:
    done = start(DJANGO_SETTINGS_MODULE="config.settings.local", **{name: value})
    assert done.returncode != 0
    assert f"- {name}" in done.stderr
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_production_names_everything_it_lacks() -> None:
    done = start(DJANGO_SETTINGS_MODULE="config.settings.production")
    assert done.returncode != 0
    for name in (
        "DATABASE_URL",
        "REDIS_URL",
        "SECRET_KEY",
        "TOKEN_PEPPER",
        "KEY_ENCRYPTION_KEY",
    ):
        assert name in done.stderr
    assert "Traceback" not in done.stderr


def test_production_starts_when_everything_is_set() -> None:
    done = start(
        DJANGO_SETTINGS_MODULE="config.settings.production",
        DATABASE_URL="postgresql://app:x@db.internal/nts",
        REDIS_URL="redis://valkey.internal/0",
        SECRET_KEY="x" * 60,
        TOKEN_PEPPER="y" * 40,
        KEY_ENCRYPTION_KEY="MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    )
    assert done.returncode == 0, done.stderr
