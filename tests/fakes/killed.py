"""Runs one operation in this process and kills the process, as a lost machine would, at a chosen place.

``python -m tests.fakes.killed OPERATION before|after STEP`` or ``… rows NUMBER`` (in the middle of an export).
"""

import os
import signal
import sys
from typing import Any
from uuid import UUID

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
django.setup()

from tenants.lifecycle import operations  # noqa: E402
from tenants.lifecycle.export import archive  # noqa: E402


def die(*_: Any) -> None:
    """End at once, without a chance to tidy up."""
    os.kill(os.getpid(), signal.SIGKILL)


def main(operation: str, place: str, name: str) -> None:
    """Run, and die on the way."""
    run: Any = operations.Run
    noted, begun, add = run.note_done, run.begin, archive.Archive.add
    if place == "before":
        run.begin = lambda self, step: die() if step.name == name else begun(self, step)
    elif place == "after":
        run.note_done = lambda self, step: die() if step.name == name else noted(self, step)
    else:
        left = [int(name)]

        def counted(self: Any, *args: Any, **values: Any) -> Any:
            left[0] -= 1
            return die() if left[0] == 0 else add(self, *args, **values)

        archive.Archive.add = counted  # type: ignore[method-assign]
    operations.run_operation(UUID(operation))


if __name__ == "__main__":
    main(*sys.argv[1:])
