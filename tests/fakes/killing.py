"""Starts a process that works on an operation and dies in the middle of it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from django.db import connections
from django.utils import timezone

from tenants.models import Operation

ROOT = Path(__file__).resolve().parents[2]


def run_and_kill(operation: Operation, place: str, name: str, **environment: str) -> None:
    """Run ``operation`` until the place (see ``tests.fakes.killed``), kill −9, and let its lease run out."""
    connections.close_all()
    done = subprocess.run(
        [sys.executable, "-m", "tests.fakes.killed", str(operation.pk), place, name],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings.test", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr[-3000:]
    Operation.objects.filter(pk=operation.pk).update(lease_expires_at=timezone.now())
