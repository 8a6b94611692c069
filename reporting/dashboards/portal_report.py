"""The report of one shared project: finished by week, remaining, milestones; as charts, tables and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import Count, Q
from django.db.models.functions import TruncWeek
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from reporting.charts import Chart, Series, area, figure, legend, stacked_bars, table_of
from reporting.dashboards.home import ChartPart
from reporting.dashboards.portal import ShownMilestone, milestones_of
from reporting.metrics.weeks import Week, last_weeks
from tasks.models import Project, Task, TaskQuerySet
from tasks.selectors import visible_tasks
from tenants.accounts.access import Actor
from tenants.foundation.page_parts import Kpi

WEEKS: Final = 10
# What a spreadsheet would take for a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, kw_only=True)
class ProjectReport:
    """Figures of a project; `completed` and `remaining` have a figure for each of `weeks`."""

    project: Project
    weeks: Sequence[Week]
    completed: tuple[int, ...]
    remaining: tuple[int, ...]
    done: int
    open: int
    late: int
    milestones: Sequence[ShownMilestone]

    @property
    def kpis(self) -> tuple[Kpi, ...]:
        """The figures over the charts."""
        reached = sum(each.state == "reached" for each in self.milestones)
        return (
            Kpi(label=_("Completed"), value=figure(self.done)),
            Kpi(label=_("Remaining"), value=figure(self.open)),
            Kpi(label=_("Overdue"), value=figure(self.late)),
            Kpi(label=_("Milestones reached"), value=f"{reached} / {len(self.milestones)}"),
        )

    @property
    def completed_chart(self) -> ChartPart | None:
        """Bars by week; None when nothing was finished in them."""
        if not any(self.completed):
            return None
        chart = self._chart(
            _("Completed by week"), Series(label=_("Completed"), values=self.completed, color=1)
        )
        return ChartPart(
            drawing=stacked_bars(chart),
            legend=legend(chart.series),
            table=table_of(chart, first=_("Week of")),
        )

    @property
    def remaining_chart(self) -> ChartPart | None:
        """A line by week; None when nothing was open in them."""
        if not any(self.remaining):
            return None
        chart = self._chart(_("Remaining"), Series(label=_("Open tasks"), values=self.remaining, color=1))
        return ChartPart(
            drawing=area(chart), legend=legend(chart.series), table=table_of(chart, first=_("Week of"))
        )

    def _chart(self, title: str, series: Series) -> Chart:
        labels = tuple(date_format(week.monday, "j M") for week in self.weeks)
        return Chart(title=title, labels=labels, series=(series,))

    def as_csv(self) -> str:
        """The weeks, then the milestones; texts cannot become formulas."""
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow([_("Week of"), _("Completed"), _("Remaining")])
        for week, done, left in zip(self.weeks, self.completed, self.remaining, strict=True):
            writer.writerow([week.monday.isoformat(), done, left])
        writer.writerow([])
        writer.writerow([_("Milestone"), _("Due"), _("Reached")])
        for each in self.milestones:
            reached = each.milestone.reached_at
            writer.writerow(
                [
                    _text(each.milestone.name),
                    each.milestone.due_on.isoformat() if each.milestone.due_on else "",
                    timezone.localtime(reached).date().isoformat() if reached else "",
                ]
            )
        return out.getvalue()


def project_report(*, project: Project, actor: Actor) -> ProjectReport:
    """Work the figures out; five queries however many tasks there are."""
    weeks = last_weeks(WEEKS)
    tasks = visible_tasks(actor=actor).live().filter(project=project).exclude(status=Task.Status.CANCELLED)
    is_open = Q(status__in=Task.OPEN_STATUSES)
    counts = tasks.aggregate(
        done=Count("pk", filter=Q(status=Task.Status.DONE)),
        open=Count("pk", filter=is_open),
        late=Count("pk", filter=is_open & Q(due_order__lt=timezone.localdate())),
    )
    completed = _by_week(tasks.filter(completed_order__gte=weeks[0].starts_at), "completed_at", weeks)
    made = _by_week(tasks.filter(created_at__gte=weeks[0].starts_at), "created_at", weeks)
    # Backwards from today: what was finished since was still open, what was made since was not there.
    left = [counts["open"]]
    for place in range(len(weeks) - 1, 0, -1):
        left.append(max(left[-1] - made[place] + completed[place], 0))
    return ProjectReport(
        project=project,
        weeks=weeks,
        completed=completed,
        remaining=tuple(reversed(left)),
        milestones=milestones_of(project, actor=actor),
        **counts,
    )


def _by_week(tasks: TaskQuerySet, column: str, weeks: Sequence[Week]) -> tuple[int, ...]:
    rows = tasks.order_by().annotate(week=TruncWeek(column)).values_list("week").annotate(n=Count("pk"))
    found = {timezone.localtime(week).date(): number for week, number in rows}
    return tuple(found.get(week.monday, 0) for week in weeks)


def _text(value: str) -> str:
    return f"'{value}" if value.startswith(_FORMULA) else value
