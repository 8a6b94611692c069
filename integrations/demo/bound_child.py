"""`python -m integrations.demo.bound_child COMMAND…` runs a command that ends when its starter does.

Even a starter that was killed: on Linux the kernel is asked to send SIGTERM when the parent is gone.
Elsewhere the command just runs.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def bind_to_parent() -> None:
    """Ask for SIGTERM when the parent process ends; ends at once if it is gone already."""
    if not sys.platform.startswith("linux"):
        return
    parent = int(os.environ["DEMO_PARENT"])
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        raise SystemExit("The process that started this one is gone.")


def main() -> None:
    """Bind this process to its parent and become the command that follows on the command line."""
    if len(sys.argv) < 2:
        raise SystemExit("usage: python -m integrations.demo.bound_child COMMAND…")
    bind_to_parent()
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606 (the demo's own commands, no shell)


if __name__ == "__main__":
    main()
