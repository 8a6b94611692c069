"""How far the first sync is: a bar per workspace on a terminal, now and then a plain line elsewhere."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TextIO

_BAR_WIDTH = 28
_PLAIN_EVERY_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class WorkspaceProgress:
    """How far one workspace is: records read of so many (None: not known), calls made, what it does now."""

    name: str
    done: int
    total: int | None
    calls: int
    phase: str
    is_finished: bool
    has_failed: bool = False

    @property
    def share(self) -> float:
        """How much is done, 0 to 1; less than 1 until it is finished."""
        if self.is_finished:
            return 1.0
        if not self.total:
            return 0.0
        return min(self.done / self.total, 0.99)


def bar_line(progress: WorkspaceProgress, *, name_width: int) -> str:
    """Return one line: name, bar, records, calls and phase."""
    filled = int(progress.share * _BAR_WIDTH)
    bar = "█" * filled + "░" * (_BAR_WIDTH - filled)
    of = f"/{progress.total:,}" if progress.total and not progress.is_finished else ""
    state = "failed" if progress.has_failed else "in step" if progress.is_finished else progress.phase
    counted = f"{progress.done:>6,}{of} records  {progress.calls:>4} calls"
    return f"  {progress.name:<{name_width}}  {bar}  {counted}  {state}"


class ProgressDisplay:
    """Draws the workspaces in place, again and again; without a terminal it prints lines when they move."""

    def __init__(self, stream: TextIO, *, is_terminal: bool | None = None) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty() if is_terminal is None else is_terminal
        self._drawn_lines = 0
        self._said: dict[str, tuple[int, str, bool]] = {}
        self._said_at = float("-inf")

    def show(self, workspaces: Sequence[WorkspaceProgress]) -> None:
        """Show how far everything is now."""
        width = max((len(workspace.name) for workspace in workspaces), default=0)
        if self._is_terminal:
            self._redraw([bar_line(workspace, name_width=width) for workspace in workspaces])
        else:
            self._say(workspaces)

    def _redraw(self, lines: list[str]) -> None:
        if self._drawn_lines:
            self._stream.write(f"\x1b[{self._drawn_lines}F")
        for line in lines:
            self._stream.write(f"\x1b[2K{line}\n")
        self._drawn_lines = len(lines)
        self._stream.flush()

    def _say(self, workspaces: Sequence[WorkspaceProgress]) -> None:
        now = time.monotonic()
        is_time = now - self._said_at >= _PLAIN_EVERY_SECONDS
        for workspace in workspaces:
            state = (workspace.done, workspace.phase, workspace.is_finished)
            has_finished = workspace.is_finished and not self._said.get(workspace.name, (0, "", False))[2]
            if state != self._said.get(workspace.name) and (is_time or has_finished):
                of = f" of {workspace.total:,}" if workspace.total and not workspace.is_finished else ""
                told = (
                    "failed"
                    if workspace.has_failed
                    else "in step"
                    if workspace.is_finished
                    else workspace.phase
                )
                self._stream.write(
                    f"{workspace.name}: {workspace.done:,}{of} records, {workspace.calls} calls, {told}\n"
                )
                self._said[workspace.name] = state
                self._said_at = now
        self._stream.flush()
