"""Charts as SVG drawn on the server: figures in, safe markup out; no script, no inline style.

Places are percentages of a drawing without a view box, so text keeps its size at any width. Colours come
from the classes `fill-1` … `fill-6` of the console's style sheet. A chart with links is a group of links, one
without is an image; either carries its title, and `table_of` gives the same figures as a table.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import ceil, floor, isfinite, log10

from django.utils.formats import number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from tenants.foundation.page_parts import DataTable

COLORS = 6
TOP, BOTTOM = 4.0, 11.0  # per cent kept free above the plot and, for the labels, below it
RIGHT = 0.5
BAR_SHARE = 0.52
STEPS = (1, 2, 5, 10)
INTERVALS = 4
LABELS_SHOWN_ON_A_PHONE = 6
EMPTY = SafeString("")


@dataclass(frozen=True, kw_only=True)
class Series:
    """One row of figures; `color` is a series number 1–6, a department's own where there is one."""

    label: str
    values: tuple[float, ...]
    color: int = 1

    def __post_init__(self) -> None:
        if not all(isfinite(value) for value in self.values):
            raise ValueError(f"The series {self.label!r} has a value that is not a number.")
        if not 1 <= self.color <= COLORS:
            raise ValueError(f"There is no series colour {self.color}.")


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Series over the same labels; `urls`, if any, lead from each label to the things counted there."""

    title: str
    labels: tuple[str, ...]
    series: tuple[Series, ...]
    urls: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        lengths = {len(each.values) for each in self.series} | {len(self.labels)}
        if self.urls:
            lengths.add(len(self.urls))
        if len(lengths) != 1:
            raise ValueError(f"The chart {self.title!r} has rows of different lengths.")


@dataclass(frozen=True, kw_only=True)
class Slice:
    """One part of a donut; its value is not negative."""

    label: str
    value: float
    color: int = 1
    url: str = ""

    def __post_init__(self) -> None:
        if not (isfinite(self.value) and self.value >= 0):
            raise ValueError(f"The slice {self.label!r} needs a value of zero or more.")


@dataclass(frozen=True)
class Scale:
    """A value axis from `low` to `high`, both multiples of `step`."""

    low: float
    high: float
    step: float

    @classmethod
    def over(cls, values: Iterable[float]) -> "Scale":
        """An axis with round steps that holds zero and all values; counts get whole steps."""
        known = [0.0, *values]
        low, high = min(known), max(known)
        if high == low:
            return cls(0, INTERVALS, 1)
        rough = (high - low) / INTERVALS
        power = 10.0 ** floor(log10(rough))
        step = next(power * factor for factor in STEPS if power * factor >= rough * 0.9999)
        if all(float(value).is_integer() for value in known):
            step = max(step, 1)
        return cls(floor(low / step) * step, ceil(high / step) * step, step)

    @property
    def ticks(self) -> list[float]:
        """Where lines are drawn, from below."""
        return [
            self.low + self.step * index for index in range(round((self.high - self.low) / self.step) + 1)
        ]

    def y(self, value: float) -> float:
        """Per cent from the top of the drawing."""
        return TOP + (100 - TOP - BOTTOM) * (1 - (value - self.low) / (self.high - self.low))


def stacked_bars(chart: Chart) -> SafeString:
    """A bar for each label, its series on top of one another (negative values below zero)."""
    if not chart.labels:
        return EMPTY
    columns = list(zip(*(each.values for each in chart.series), strict=True)) or [()] * len(chart.labels)
    ups = [sum(value for value in column if value > 0) for column in columns]
    downs = [sum(value for value in column if value < 0) for column in columns]
    scale = Scale.over([*ups, *downs])
    left = _gutter(scale)
    width = (100 - left - RIGHT) / len(chart.labels)
    parts = [_axis(scale, left)]
    for index, label in enumerate(chart.labels):
        start = left + width * index
        bars: list[SafeString] = [_hit(start, width)]
        up = down = 0.0
        for each, value in zip(chart.series, columns[index], strict=True):
            if not value:
                continue
            base = up if value > 0 else down
            high, low = scale.y(max(base, base + value)), scale.y(min(base, base + value))
            up, down = (up + value, down) if value > 0 else (up, down + value)
            bars.append(
                format_html(
                    '<rect class="fill-{}" x="{}%" y="{}%" width="{}%" height="{}%" rx="2.5"/>',
                    each.color,
                    _fixed(start + width * (1 - BAR_SHARE) / 2),
                    _fixed(high + 0.35),
                    _fixed(width * BAR_SHARE),
                    _fixed(max(low - high - 0.7, 0.3)),
                )
            )
        parts.append(_linked(chart, index, bars))
        parts.append(_label(label, index, start + width / 2, "middle", len(chart.labels)))
    return _drawing(chart, parts)


def area(chart: Chart) -> SafeString:
    """The first series as a line over a tint, a second (a plan, an ideal) as a dashed one."""
    if not chart.labels or not chart.series:
        return EMPTY
    scale = Scale.over(value for each in chart.series[:2] for value in each.values)
    left = _gutter(scale)
    last = len(chart.labels) - 1
    plot = 100 - left
    parts = [_axis(scale, left)]
    if last:
        lines = [_points(each.values, scale) for each in chart.series[:2]]
        zero = _fixed(scale.y(max(0.0, scale.low)))
        second = format_html('<polyline class="curve second" points="{}"/>', lines[1]) if lines[1:] else EMPTY
        parts.append(
            format_html(
                '<svg x="{}%" y="0" width="{}%" height="100%" viewBox="0 0 100 100" '
                'preserveAspectRatio="none"><polygon class="under-curve" points="0,{} {} 100,{}"/>{}'
                '<polyline class="curve" points="{}"/></svg>',
                _fixed(left),
                _fixed(plot),
                zero,
                lines[0],
                zero,
                second,
                lines[0],
            )
        )
    else:
        parts.append(
            format_html(
                '<circle class="fill-1" cx="{}%" cy="{}%" r="4"/>',
                _fixed(left + plot / 2),
                _fixed(scale.y(chart.series[0].values[0])),
            )
        )
    for index, label in enumerate(chart.labels):
        centre = left + plot * (index / last if last else 0.5)
        half = plot / (last or 1) / 2
        begin, end = max(centre - half, left), min(centre + half, 100.0)
        parts.append(_linked(chart, index, [_hit(begin, end - begin)]))
        side = "middle" if not last or 0 < index < last else ("start" if index == 0 else "end")
        parts.append(_label(label, index, centre, side, len(chart.labels)))
    return _drawing(chart, parts)


def sparkline(values: Sequence[float]) -> SafeString:
    """A small line without axes, for beside a figure that says the same; empty for less than two values."""
    if len(values) < 2:
        return EMPTY
    low, high = min(values), max(values)
    reach = (high - low) or 1
    last = len(values) - 1
    line = " ".join(
        f"{_fixed(100 * index / last)},{_fixed(27 - 24 * (value - low) / reach)}"
        for index, value in enumerate(values)
    )
    return format_html(
        '<svg class="spark" viewBox="0 0 100 30" preserveAspectRatio="none" aria-hidden="true">'
        '<polygon class="under-curve" points="0,30 {} 100,30"/><polyline class="curve" points="{}"/></svg>',
        line,
        line,
    )


def donut(slices: Sequence[Slice], title: str) -> SafeString:
    """Parts of a whole as arcs around their sum."""
    total = sum(each.value for each in slices)
    shown = [each for each in slices if each.value]
    starts = accumulate((each.value for each in shown), initial=0.0)
    parts = [SafeString('<circle class="track" cx="60" cy="60" r="46"/>')]
    for each, start in zip(shown, starts, strict=False):
        words = f"{each.label}: {figure(each.value)} ({each.value / total:.0%})"
        arc = format_html(
            '<circle class="arc-{}" cx="60" cy="60" r="46" pathLength="100" transform="rotate(-90 60 60)" '
            'stroke-dasharray="{} 100" stroke-dashoffset="{}" data-tip="{}"/>',
            each.color,
            _fixed(max(100 * each.value / total - (0.8 if len(shown) > 1 else 0), 0.2)),
            _fixed(-100 * start / total),
            words,
        )
        parts.append(
            format_html('<a href="{}" aria-label="{}">{}</a>', each.url, words, arc) if each.url else arc
        )
    parts.append(format_html('<text class="total" x="60" y="66">{}</text>', compact(total)))
    return format_html(
        '<svg class="chart donut" viewBox="0 0 120 120" role="{}" aria-label="{}">{}</svg>',
        "group" if any(each.url for each in shown) else "img",
        title,
        format_html_join("", "{}", ((part,) for part in parts)),
    )


def legend(series: Iterable[Series | Slice]) -> SafeString:
    """The names of the series with their colours."""
    return format_html(
        '<span class="legend">{}</span>',
        format_html_join(
            "", '<span><i class="dot series-{}"></i>{}</span>', ((each.color, each.label) for each in series)
        ),
    )


def table_of(chart: Chart, *, first: str, total: str = "") -> DataTable:
    """The chart's figures as a table: a row for each label; `total` names a last column with their sum."""
    rows = []
    for index, label in enumerate(chart.labels):
        values = [each.values[index] for each in chart.series]
        cells = [figure(value) for value in values] + ([figure(sum(values))] if total else [])
        rows.append((label, tuple(cells)))
    columns = (first, *(each.label for each in chart.series), *((total,) if total else ()))
    return DataTable(caption=chart.title, columns=columns, rows=tuple(rows))


def figure(value: float) -> str:
    """A number in full, grouped as the reader's language does."""
    return number_format(value, 0 if float(value).is_integer() else 1, use_l10n=True, force_grouping=True)


def compact(value: float) -> str:
    """A number in at most five characters: 950, 1.2k, 34k, 1.2M."""
    for size, sign in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            short = value / size
            return f"{short:.0f}{sign}" if abs(short) >= 100 or short.is_integer() else f"{short:.1f}{sign}"
    return f"{value:.0f}" if float(value).is_integer() else f"{value:.2g}"


def _fixed(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _gutter(scale: Scale) -> float:
    """Per cent kept for the axis' figures: enough for the longest one on a phone."""
    return 2.5 + 1.8 * max(len(compact(tick)) for tick in scale.ticks)


def _axis(scale: Scale, left: float) -> SafeString:
    return format_html_join(
        "",
        '<line class="axis" x1="{}%" x2="{}%" y1="{}%" y2="{}%"/><text x="0" y="{}%" dy="4">{}</text>',
        (
            (_fixed(left), _fixed(100 - RIGHT), *[_fixed(scale.y(tick))] * 3, compact(tick))
            for tick in scale.ticks
        ),
    )


def _hit(start: float, width: float) -> SafeString:
    return format_html(
        '<rect class="hit" x="{}%" y="{}%" width="{}%" height="{}%" rx="4"/>',
        _fixed(start),
        _fixed(TOP),
        _fixed(width),
        _fixed(100 - TOP - BOTTOM),
    )


def _linked(chart: Chart, index: int, marks: Iterable[SafeString]) -> SafeString:
    """The marks of one label, with its figures to be pointed at, as a link where there is somewhere to go."""
    lines = [chart.labels[index], *(f"{each.label}: {figure(each.values[index])}" for each in chart.series)]
    drawn = format_html_join("", "{}", ((mark,) for mark in marks))
    tip = "\n".join(lines)
    if not chart.urls:
        return format_html('<g data-tip="{}">{}</g>', tip, drawn)
    words = ", ".join(lines)
    return format_html(
        '<a href="{}" aria-label="{}" data-tip="{}">{}</a>', chart.urls[index], words, tip, drawn
    )


def _label(text: str, index: int, x: float, side: str, count: int) -> SafeString:
    is_spare = count > LABELS_SHOWN_ON_A_PHONE and index % 2 == 1
    return format_html(
        '<text{} x="{}%" y="98%" text-anchor="{}">{}</text>',
        SafeString(' class="every-other"') if is_spare else EMPTY,
        _fixed(x),
        side,
        text,
    )


def _points(values: Sequence[float], scale: Scale) -> str:
    last = len(values) - 1
    return " ".join(
        f"{_fixed(100 * index / last)},{_fixed(scale.y(value))}" for index, value in enumerate(values)
    )


def _drawing(chart: Chart, parts: Iterable[SafeString]) -> SafeString:
    return format_html(
        '<svg class="chart" role="{}" aria-label="{}">{}</svg>',
        "group" if chart.urls else "img",
        chart.title,
        format_html_join("", "{}", ((part,) for part in parts)),
    )
