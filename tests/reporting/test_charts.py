"""Charts draw what they are given, whatever that is, and never let a label become markup."""

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.charts import (
    Chart,
    Scale,
    Series,
    Slice,
    area,
    compact,
    donut,
    legend,
    sparkline,
    stacked_bars,
    table_of,
)

NASTY = '"><script>alert(1)</script>&'
values = st.floats(-1e9, 1e9, allow_nan=False) | st.integers(-(10**9), 10**9)


def parsed(drawing: str) -> ElementTree.Element:
    return ElementTree.fromstring(drawing)


def percent(text: str) -> float:
    assert text.endswith("%")
    return float(text[:-1])


def chart(*rows: tuple[float, ...], urls: bool = True, labels: tuple[str, ...] = ()) -> Chart:
    count = len(rows[0]) if rows else 0
    return Chart(
        title="Done",
        labels=labels or tuple(f"W{index}" for index in range(count)),
        series=tuple(Series(label=f"D{n}", values=row, color=n % 6 + 1) for n, row in enumerate(rows)),
        urls=tuple(f"/tasks/?week={index}" for index in range(count)) if urls else (),
    )


def bars_of(drawing: ElementTree.Element) -> list[ElementTree.Element]:
    return [rect for rect in drawing.iter("rect") if "fill-" in rect.get("class", "")]


def test_a_bar_is_as_high_as_its_value_and_leads_to_its_tasks() -> None:
    source = stacked_bars(chart((1, 2), (3, 0)))
    drawing = parsed(source)
    links = list(drawing.iter("a"))
    assert [link.get("href") for link in links] == ["/tasks/?week=0", "/tasks/?week=1"]
    assert links[0].get("aria-label") == "W0, D0: 1, D1: 3"
    assert 'data-tip="W0\nD0: 1\nD1: 3"' in source
    heights = [percent(bar.get("height", "")) for bar in bars_of(drawing)]
    assert len(heights) == 3, "a zero draws no bar"
    assert heights[1] > 2.9 * heights[0]
    assert drawing.get("role") == "group"


def test_without_links_a_chart_is_one_image_with_a_name() -> None:
    drawing = parsed(stacked_bars(chart((1, 2), urls=False)))
    assert (drawing.get("role"), drawing.get("aria-label")) == ("img", "Done")
    assert list(drawing.iter("a")) == []


def test_labels_titles_and_addresses_cannot_become_markup() -> None:
    nasty = Chart(title=NASTY, labels=(NASTY,), series=(Series(label=NASTY, values=(3,)),), urls=(NASTY,))
    pie = donut([Slice(label=NASTY, value=2, url=NASTY)], NASTY)
    for drawing in (stacked_bars(nasty), area(nasty), pie, f"<div>{legend(nasty.series)}</div>"):
        assert "<script" not in drawing
        assert parsed(drawing) is not None
    assert parsed(stacked_bars(nasty)).get("aria-label") == NASTY


def test_nothing_draws_nothing() -> None:
    empty = Chart(title="Done", labels=(), series=())
    assert stacked_bars(empty) == area(empty) == sparkline(()) == sparkline((4,)) == ""


def test_zeros_draw_an_axis_and_no_bar() -> None:
    drawing = parsed(stacked_bars(chart((0, 0, 0))))
    assert bars_of(drawing) == []
    assert "0" in [text.text for text in drawing.iter("text")]


def test_one_point_is_a_dot() -> None:
    drawing = parsed(area(chart((5,))))
    assert len(list(drawing.iter("circle"))) == 1
    assert list(drawing.iter("polyline")) == []


def test_a_second_series_is_drawn_dashed_beside_the_first() -> None:
    drawing = parsed(area(chart((9, 5, 1), (9, 4.5, 0), urls=False)))
    assert [line.get("class") for line in drawing.iter("polyline")] == ["curve second", "curve"]


def test_negative_values_hang_below_the_line_of_zero() -> None:
    scale = Scale.over([5, -5])
    up, down = bars_of(parsed(stacked_bars(chart((5, -5)))))
    zero = scale.y(0)
    assert percent(up.get("y", "")) + percent(up.get("height", "")) <= zero
    assert percent(down.get("y", "")) >= zero


@given(st.lists(st.tuples(values, values), min_size=1, max_size=12))
def test_any_numbers_stay_inside_the_drawing(pairs: list[tuple[float, float]]) -> None:
    given_chart = chart(tuple(a for a, _ in pairs), tuple(b for _, b in pairs))
    for drawing in (parsed(stacked_bars(given_chart)), parsed(area(given_chart))):
        for rect in drawing.iter("rect"):
            assert -0.5 <= percent(rect.get("y", "")) <= 100
            assert percent(rect.get("x", "")) + percent(rect.get("width", "")) <= 100.5


@given(st.lists(values, min_size=1))
def test_a_scale_holds_zero_and_every_value_with_few_round_ticks(numbers: list[float]) -> None:
    scale = Scale.over(numbers)
    slack = scale.step * 1e-6
    assert scale.low - slack <= min(0, *numbers, 0)
    assert scale.high + slack >= max(0, *numbers, 0)
    assert 2 <= len(scale.ticks) <= 8


def test_counts_get_whole_steps() -> None:
    assert Scale.over([1, 2]).ticks == [0, 1, 2]
    assert Scale.over([68]).ticks == [0, 20, 40, 60, 80]


def test_a_donut_shows_shares_and_their_sum() -> None:
    drawing = parsed(donut([Slice(label="A", value=3, url="/a"), Slice(label="B", value=1)], "By department"))
    tips = [arc.get("data-tip") for arc in drawing.iter("circle") if arc.get("data-tip")]
    assert tips == ["A: 3 (75%)", "B: 1 (25%)"]
    assert [text.text for text in drawing.iter("text")] == ["4"]
    assert parsed(donut([], "Empty")).get("role") == "img"


def test_the_table_says_what_the_chart_shows() -> None:
    table = table_of(chart((1, 2000), (3, 4)), first="Week", total="Total")
    assert list(table.columns) == ["Week", "D0", "D1", "Total"]
    assert list(table.rows) == [("W0", ("1", "3", "4")), ("W1", ("2,000", "4", "2,004"))]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (950, "950"),
        (1000, "1k"),
        (1234, "1.2k"),
        (34_000, "34k"),
        (-2500, "-2.5k"),
        (1.2e6, "1.2M"),
        (0.25, "0.25"),
    ],
)
def test_axis_figures_are_short(value: float, text: str) -> None:
    assert compact(value) == text


def test_rows_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="different lengths"):
        Chart(title="Done", labels=("a", "b"), series=(Series(label="x", values=(1,)),))


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_no_number_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="not a number"):
        Series(label="x", values=(bad,))
    with pytest.raises(ValueError, match="zero or more"):
        Slice(label="x", value=bad)


def test_a_colour_outside_the_series_is_refused() -> None:
    with pytest.raises(ValueError, match="no series colour"):
        Series(label="x", values=(1,), color=7)
