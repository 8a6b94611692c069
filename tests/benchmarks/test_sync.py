"""The trace, the least calls it needs, and that none of the strategies we measure ourselves by misses anything."""

from itertools import pairwise

import pytest

from benchmarks.sync.baselines import BASELINES, Baseline
from benchmarks.sync.bound import LOOK_SECONDS, Least, import_calls, least_calls
from benchmarks.sync.play import Played, play
from benchmarks.sync.report import OURS, Strand, figures, table, targets
from benchmarks.sync.stage import PROJECTS, stage
from benchmarks.sync.trace import FRESHNESS_SECONDS, Change, Chapter, Kind, Side, Size, build

SMALL = Size(rows=120, share=0.1)
THERE, HERE = Side.THERE, Side.HERE


def chapter_of(*changes: tuple[float, Side, int]) -> Chapter:
    edits = tuple(Change(at, side, Kind.EDIT, row, "title", f"{row} at {at}") for at, side, row in changes)
    return Chapter("some", "Some.", 0.0, 1000.0, edits)


@pytest.fixture(scope="module")
def played() -> dict[str, Played]:
    """Every baseline on the small trace."""
    found = {}
    for made in BASELINES:
        with stage(SMALL) as world:
            strategy = made(world)
            found[made.name] = play(world, strategy, build(SMALL))
            strategy.close()
    return found


def test_the_trace_is_the_same_every_time_and_goes_forward() -> None:
    assert build(SMALL) == build(SMALL)
    for before, after in pairwise(build(SMALL)):
        assert before.ends_at == after.begins_at
        assert all(before.begins_at <= change.at < before.ends_at for change in before.changes)


def test_the_whole_trace_has_the_published_edits() -> None:
    edits = [change for chapter in build(Size()) for change in chapter.changes if change.row >= 0]
    there = [change for change in edits if change.side is THERE and change.kind is not Kind.TRASH]

    assert len(there) == 501
    assert sum(change.side is HERE for change in edits) == 300


def test_an_isolated_edit_is_alone_within_the_freshness() -> None:
    times = [
        change.at for chapter in build(Size()) if "isolated" in chapter.name for change in chapter.changes
    ]

    assert all(later - earlier > FRESHNESS_SECONDS for earlier, later in pairwise(times))


def test_more_edits_than_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="BENCH_SYNC_ROWS"):
        build(Size(rows=10))


@pytest.mark.parametrize(
    ("changes", "calls"),
    [
        ([], 0),
        ([(0, THERE, 1)], 1),
        ([(0, THERE, 1), (59, THERE, 2)], 1),
        ([(0, THERE, 1), (61, THERE, 2)], 2),
        ([(row / 10, THERE, row) for row in range(101)], 2),
        ([(0, HERE, 1), (4, HERE, 1)], 1),
        ([(0, HERE, 1), (6, HERE, 1)], 2),
        ([(0, HERE, 1), (0, HERE, 2)], 2),
        # The answer to the write shows the whole row, and so what was changed there.
        ([(0, THERE, 1), (5, HERE, 1)], 1),
        ([(4, THERE, 1), (0, HERE, 1)], 1),
        ([(6, THERE, 1), (0, HERE, 1)], 2),
        ([(0, THERE, 1), (5, HERE, 2)], 2),
    ],
)
def test_the_least_calls_are_counted(changes: list[tuple[float, Side, int]], calls: int) -> None:
    assert least_calls([chapter_of(*changes)])["some"].calls == calls


def test_whoever_misses_nothing_looks_at_tables_nobody_has_read_and_asks_for_rows_that_are_gone() -> None:
    empty = Chapter("empty", "", 0.0, 3 * LOOK_SECONDS + 1, ())
    gone = Chapter("gone", "", empty.ends_at, 10.0, (Change(empty.ends_at, THERE, Kind.TRASH, 1),))

    least = least_calls([empty, gone], quiet_tables=1)

    assert least == {"empty": Least(0, 6), "gone": Least(0, 1)}


def test_a_reading_is_a_look() -> None:
    reads = [(at, THERE, row) for row, at in enumerate(range(0, 3000, 600))]
    chapter = Chapter("read", "", 0.0, 3000.0, chapter_of(*reads).changes)

    assert least_calls([chapter])["read"] == Least(5, 5)


def test_the_least_calls_of_an_import_are_its_pages_and_what_they_hang_on() -> None:
    assert import_calls([10_000, 8], people=3) == 2 + 2 + 1 + 100 + 1


@pytest.mark.parametrize("name", ["B0", "B1", "B2"])
def test_a_baseline_misses_nothing(played: dict[str, Played], name: str) -> None:
    assert played[name].missed_or_wrong == 0


@pytest.mark.parametrize("name", ["B0", "B1", "B2"])
def test_a_baseline_keeps_the_freshness_but_for_what_it_cannot_see(
    played: dict[str, Played], name: str
) -> None:
    late = {scenario for scenario, part in played[name].chapters.items() if part.late}

    assert late == ({"trashed_there"} if name == "B2" else set())


def test_no_strategy_gets_by_with_less_than_the_least(played: dict[str, Played]) -> None:
    for name, least in least_calls(build(SMALL)).items():
        assert all(one.chapters[name].calls >= least.calls for one in played.values())


def test_a_strategy_that_forgets_an_edit_is_found_out() -> None:
    class Forgetful(BASELINES[2]):  # type: ignore[misc,valid-type]
        def edit(self, change: Change) -> None:
            """Keeps it to itself."""

    with stage(SMALL) as world:
        strategy: Baseline = Forgetful(world)
        found = play(world, strategy, build(SMALL))
        strategy.close()

    assert found.wrong_there > 0
    assert sum(part.missed for part in found.chapters.values()) > 0


def test_the_figures_say_by_how_much_and_whether_it_is_enough(played: dict[str, Played]) -> None:
    strands = [Strand(name, "Says.", one) for name, one in played.items()]
    strands.append(Strand(OURS, "Says.", played["B2"]))
    chapters = build(SMALL)
    first = import_calls([SMALL.rows, PROJECTS], 3)
    bound = {"import": Least(first, first), **least_calls(chapters, quiet_tables=1)}
    speed = {"pages_per_second": 399.9}

    found = figures(SMALL, chapters, bound, strands, speed)

    assert found["ours_saves"]["B2"]["all"] == 0.0
    assert found["targets"]["at_least_50%_fewer_than_B2"] is False
    assert found["targets"]["at_least_400_pages_per_second"] is False
    assert found["targets"]["no_change_missed_or_wrong"] is True
    assert set(targets({strand.name: strand for strand in strands}, 10**6, speed)) == set(found["targets"])
    assert str(played["B1"].calls) in table(bound, strands)
