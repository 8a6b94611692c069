"""The home page: figures, charts, what wants attention, what is still to set up, and what happened lately."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from reporting.charts import Chart, Series, area, figure, legend, sparkline, stacked_bars, table_of
from reporting.dashboards.wording import activity_of, attention_of, setup_steps, task_list_url
from reporting.metrics.attention import open_problems
from reporting.metrics.completions import (
    DepartmentCompletions,
    completed_until_now_last_week,
    weekly_completions,
)
from reporting.metrics.recent_activity import recent_activity
from reporting.metrics.remaining import Remaining, remaining_by_week
from reporting.metrics.setup_progress import setup_progress
from reporting.metrics.sync_freshness import SyncFreshness, sync_freshness
from reporting.metrics.task_states import TaskStates, task_states
from reporting.metrics.weeks import Week, last_weeks
from tasks.filters import TaskFilters
from tasks.models import Task
from tenants.accounts.access import Actor, can, can_somewhere
from tenants.foundation.page_parts import Activity, Attention, DataTable, Kpi, SetupStep, Tone

WEEKS: Final = 10
DEPARTMENTS_SHOWN: Final = 5
OTHERS_COLOR: Final = 6
MINUTE, HOUR, DAY = 60, 3600, 86_400


@dataclass(frozen=True, kw_only=True)
class ChartPart:
    """A drawn chart with its legend and the same figures as a table."""

    drawing: SafeString
    legend: SafeString
    table: DataTable


@dataclass(frozen=True, kw_only=True)
class Home:
    """All the home page shows; `kpis` and charts are empty for a reader who may not see tasks."""

    facts: tuple[str, ...]
    kpis: tuple[Kpi, ...] = ()
    completed: ChartPart | None = None
    remaining: ChartPart | None = None
    attention: tuple[Attention, ...] = ()
    setup: tuple[SetupStep, ...] = ()
    activity: tuple[Activity, ...] = ()
    has_tasks: bool = False
    made_at: datetime = field(default_factory=timezone.now, compare=False)


def home(*, actor: Actor) -> Home:
    """Work the page out for a reader: about twenty small queries, none per task."""
    weeks = last_weeks(WEEKS)
    if not can_somewhere(actor, "tasks.view"):
        return Home(facts=(_week_words(weeks[-1]),))
    states = task_states(actor=actor)
    by_department = weekly_completions(actor=actor, weeks=weeks)
    completed = [sum(row.counts[place] for row in by_department) for place in range(WEEKS)]
    remaining = remaining_by_week(actor=actor, weeks=weeks, open_now=states.open, completed=completed)
    before = completed_until_now_last_week(actor=actor, this_week=weeks[-1])
    fresh = sync_freshness(actor=actor)
    progress = setup_progress(actor=actor)
    tasks = ngettext("%(count)s task", "%(count)s tasks", states.total) % {"count": figure(states.total)}
    return Home(
        facts=(_week_words(weeks[-1]), tasks),
        kpis=(
            _open_kpi(states, remaining),
            _completed_kpi(completed, before, weeks[-1]),
            _blocked_kpi(states),
            _freshness_kpi(fresh, can(actor, "integrations.view")),
        ),
        completed=_completed_chart(by_department, weeks) if any(completed) else None,
        remaining=_remaining_chart(remaining, weeks) if any(remaining.open) else None,
        attention=tuple(attention_of(open_problems(actor=actor), states)),
        setup=tuple(setup_steps(progress)) if progress and not progress.is_complete else (),
        activity=tuple(activity_of(each) for each in recent_activity(actor=actor)),
        has_tasks=states.total > 0,
    )


def _week_words(week: Week) -> str:
    return _("Week %(number)s") % {"number": week.number}


def _change(now: int, before: int) -> str:
    """The change as a person reads it: in per cent from ten on, before that as a number."""
    if now == before:
        return ""
    if before >= 10:
        return f"{(now - before) / before:+.0%}".replace("-", "−")
    return f"{now - before:+d}".replace("-", "−")


def _tone(now: int, before: int, *, more_is: Tone, less_is: Tone) -> Tone:
    if now == before:
        return "neutral"
    return more_is if now > before else less_is


def _open_kpi(states: TaskStates, remaining: Remaining) -> Kpi:
    before = remaining.open[-2]
    return Kpi(
        label=_("Open tasks"),
        value=figure(states.open),
        url=task_list_url(TaskFilters(statuses=tuple(Task.OPEN_STATUSES))),
        delta=_change(states.open, before),
        delta_tone=_tone(states.open, before, more_is="neutral", less_is="ok"),
        note=_("Compared with the end of last week: %(count)s.") % {"count": figure(before)},
        spark=sparkline(remaining.open),
    )


def _completed_kpi(completed: Sequence[int], before: int, week: Week) -> Kpi:
    now = completed[-1]
    return Kpi(
        label=_("Completed this week"),
        value=figure(now),
        url=task_list_url(_completed_in(week)),
        delta=_change(now, before),
        delta_tone=_tone(now, before, more_is="ok", less_is="bad"),
        note=_("By this time last week: %(count)s.") % {"count": figure(before)},
        spark=sparkline(completed),
    )


def _blocked_kpi(states: TaskStates) -> Kpi:
    stale, overdue = states.stale_blocked, states.overdue
    lines = []
    if stale:
        lines.append(_("%(n)s untouched for a week") % {"n": figure(stale)})
    lines.append(_("%(n)s overdue") % {"n": figure(overdue)})
    return Kpi(
        label=_("Blocked"),
        value=figure(states.blocked),
        url=task_list_url(TaskFilters(statuses=(Task.Status.BLOCKED,))),
        detail=" · ".join(lines),
    )


def _freshness_kpi(fresh: SyncFreshness, may_see: bool) -> Kpi:
    label = _("Sync freshness")
    if not may_see or not fresh.workspaces:
        return Kpi(label=label, value="–", detail=_("No workspace is connected."))
    age = fresh.age_seconds
    places = ngettext("%(n)s workspace", "%(n)s workspaces", fresh.workspaces) % {
        "n": figure(fresh.workspaces)
    }
    if fresh.running and age is None:
        doing = _("first sync under way")
    else:
        count = fresh.changed_today
        doing = ngettext("%(n)s change today", "%(n)s changes today", count) % {"n": figure(count)}
    return Kpi(
        label=label,
        value=span(age) if age is not None else "–",
        url=reverse("integrations:sync_runs"),
        delta=_("%(n)s stopped") % {"n": fresh.stopped} if fresh.stopped else "",
        delta_tone="bad",
        detail=f"{places} · {doing}",
    )


def span(seconds: int) -> str:
    """A length of time in its largest whole unit: 38 s, 4 min, 3 h, 2 d."""
    if seconds < MINUTE:
        return _("%(n)s s") % {"n": seconds}
    if seconds < HOUR:
        return _("%(n)s min") % {"n": seconds // MINUTE}
    if seconds < DAY:
        return _("%(n)s h") % {"n": seconds // HOUR}
    return _("%(n)s d") % {"n": seconds // DAY}


def _completed_in(week: Week) -> TaskFilters:
    """The tasks finished in a week: both bounds of the filter leave their own day out."""
    day_before = week.monday.fromordinal(week.monday.toordinal() - 1)
    return TaskFilters(
        statuses=(Task.Status.DONE,), completed_after=day_before, completed_before=week.next_monday
    )


def _labels(weeks: Sequence[Week]) -> tuple[str, ...]:
    return tuple(date_format(week.monday, _("j M")) for week in weeks)


def _completed_chart(rows: Sequence[DepartmentCompletions], weeks: Sequence[Week]) -> ChartPart:
    """A series for each of the busiest departments; the rest and those of no department together."""
    named = [row for row in rows if row.department_id][:DEPARTMENTS_SHOWN]
    others = [row for row in rows if row not in named]
    series = [Series(label=row.name, values=row.counts, color=row.color) for row in named]
    if others:
        together = tuple(sum(row.counts[place] for row in others) for place in range(len(weeks)))
        label = _("Other") if named else _("No department")
        series.append(Series(label=label, values=together, color=OTHERS_COLOR))
    chart = Chart(
        title=_("Completed tasks per week, by department"),
        labels=_labels(weeks),
        series=tuple(series),
        urls=tuple(task_list_url(_completed_in(week)) for week in weeks),
    )
    return ChartPart(
        drawing=stacked_bars(chart),
        legend=legend(chart.series),
        table=table_of(chart, first=_("Week of"), total=_("Total")),
    )


def _remaining_chart(remaining: Remaining, weeks: Sequence[Week]) -> ChartPart:
    chart = Chart(
        title=_("Open tasks at the end of each week"),
        labels=_labels(weeks),
        series=(
            Series(label=_("Remaining"), values=remaining.open, color=1),
            Series(label=_("If nothing were late"), values=remaining.on_time, color=OTHERS_COLOR),
        ),
    )
    return ChartPart(
        drawing=area(chart), legend=legend(chart.series), table=table_of(chart, first=_("Week of"))
    )
