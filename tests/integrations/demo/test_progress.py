"""Progress of the first sync: bars redrawn in place on a terminal, plain lines elsewhere."""

from __future__ import annotations

from io import StringIO

from integrations.demo.progress import ProgressDisplay, WorkspaceProgress, bar_line

HALF = WorkspaceProgress("Acme Head Office", 900, 1800, 12, "Rows", is_finished=False)
DONE = WorkspaceProgress("Acme Head Office", 1803, 1800, 25, "Finished", is_finished=True)
BROKEN = WorkspaceProgress("Globex Iberia", 3, None, 2, "Rows", is_finished=True, has_failed=True)


def test_a_bar_is_half_full_at_half_of_the_records() -> None:
    line = bar_line(HALF, name_width=20)
    assert line.count("█") == line.count("░") == 14
    assert "900/1,800 records" in line
    assert line.endswith("Rows")


def test_a_finished_workspace_has_a_full_bar_and_says_how_it_ended() -> None:
    assert bar_line(DONE, name_width=20).count("░") == 0
    assert bar_line(DONE, name_width=20).endswith("in step")
    assert bar_line(BROKEN, name_width=20).endswith("failed")


def test_the_bar_is_never_full_before_the_end() -> None:
    more = WorkspaceProgress("A", 5000, 1800, 1, "Relations", is_finished=False)
    assert bar_line(more, name_width=1).count("░") == 1
    assert WorkspaceProgress("A", 10, None, 1, "Rows", is_finished=False).share == 0


def test_on_a_terminal_lines_are_drawn_over_the_last_ones() -> None:
    stream = StringIO()
    display = ProgressDisplay(stream, is_terminal=True)
    display.show([HALF, BROKEN])
    assert "\x1b[2F" not in stream.getvalue()
    display.show([DONE, BROKEN])
    assert stream.getvalue().count("\x1b[2F") == 1


def test_elsewhere_a_line_is_printed_only_when_something_moved() -> None:
    stream = StringIO()
    display = ProgressDisplay(stream)
    display.show([HALF])
    display.show([HALF])
    display.show([DONE])
    display.show([DONE])
    assert stream.getvalue().splitlines() == [
        "Acme Head Office: 900 of 1,800 records, 12 calls, Rows",
        "Acme Head Office: 1,803 records, 25 calls, in step",
    ]
    assert "\x1b" not in stream.getvalue()
