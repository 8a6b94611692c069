"""Facts of the metrics put into words, with the address where each can be dealt with."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from reporting.charts import figure
from reporting.metrics.attention import Problem
from reporting.metrics.recent_activity import Happening
from reporting.metrics.setup_progress import SetupProgress
from reporting.metrics.task_states import TaskStates
from tasks.filters import Due, TaskFilters
from tasks.models import Task, TaskActivity
from tenants.foundation.page_parts import Activity, Attention, SetupStep

VERBS: Final = {
    TaskActivity.Verb.CREATED: gettext_lazy("created"),
    TaskActivity.Verb.UPDATED: gettext_lazy("changed"),
    TaskActivity.Verb.MOVED: gettext_lazy("moved"),
    TaskActivity.Verb.ARCHIVED: gettext_lazy("archived"),
    TaskActivity.Verb.RESTORED: gettext_lazy("restored"),
    TaskActivity.Verb.SYNCED: gettext_lazy("synced"),
    TaskActivity.Verb.APPROVAL_ASKED: gettext_lazy("asked for an approval of"),
    TaskActivity.Verb.APPROVAL_GIVEN: gettext_lazy("approved"),
    TaskActivity.Verb.APPROVAL_DENIED: gettext_lazy("did not approve"),
    TaskActivity.Verb.APPROVAL_GONE: gettext_lazy("withdrew a request for an approval of"),
}


def task_list_url(filters: TaskFilters) -> str:
    """The list of tasks, narrowed: where a figure leads."""
    query = filters.query_string()
    return reverse("tasks:list") + (f"?{query}" if query else "")


def attention_of(problems: Iterable[Problem], states: TaskStates) -> Iterator[Attention]:
    """The open problems of the sync, then urgent tasks that are late."""
    for problem in problems:
        yield _problem_attention(problem)
    if states.overdue_urgent:
        late = TaskFilters(due=Due.OVERDUE, priorities=(Task.Priority.URGENT,))
        count = states.overdue_urgent
        yield Attention(
            title=ngettext("%(n)s urgent task is overdue", "%(n)s urgent tasks are overdue", count)
            % {"n": count},
            text=_("Give them a new date, or somebody to finish them."),
            url=task_list_url(late),
            icon="clock",
        )


def _problem_attention(problem: Problem) -> Attention:
    name = {"name": problem.name}
    match problem.kind:
        case "connection":
            return Attention(
                title=_("The workspace “%(name)s” stopped") % name,
                text=problem.reason or _("It is not being read."),
                url=reverse("integrations:workspace", args=[problem.id]),
                tone="bad",
                icon="plug",
            )
        case "held":
            return Attention(
                title=_("Unusually many changes of “%(name)s” wait for you") % name,
                text=_("Nothing of them is written until somebody has looked."),
                url=reverse("integrations:sync_run", args=[problem.id]),
                tone="warn",
                icon="hand",
            )
        case "run":
            title = _("The last sync of “%(name)s” failed") % name
            if problem.count:
                title = ngettext(
                    "%(n)s record of “%(name)s” was not taken over",
                    "%(n)s records of “%(name)s” were not taken over",
                    problem.count,
                ) % {**name, "n": problem.count}
            return Attention(
                title=title,
                text=problem.reason or _("See what to do about it."),
                url=reverse("integrations:sync_run", args=[problem.id]),
                tone="bad" if problem.state == "failed" else "warn",
                icon="circle-alert",
            )
        case "mapping":
            return Attention(
                title=_("“%(name)s” waits to be mapped") % name,
                text=_("Confirm how its columns are mapped; then its tasks appear here."),
                url=reverse("integrations:mapping", args=[problem.id]),
                tone="info",
                icon="list-checks",
            )
        case _:
            return Attention(
                title=_("The database “%(name)s” needs attention") % name,
                text=problem.reason or _("It is not read as it should be."),
                url=reverse("integrations:mapping", args=[problem.id]),
            )


def setup_steps(progress: SetupProgress) -> Sequence[SetupStep]:
    """The way from nothing to a team with tasks in step."""
    workspaces = reverse("integrations:workspaces")
    return (
        SetupStep(
            label=_("Connect a Notion workspace"),
            url=reverse("integrations:connect"),
            is_done=progress.is_connected,
        ),
        SetupStep(label=_("Map task properties"), url=workspaces, is_done=progress.is_mapped),
        SetupStep(
            label=_("Finish the first sync"),
            url=reverse("integrations:sync_runs"),
            is_done=progress.is_synced,
        ),
        SetupStep(label=_("Invite your team"), url=reverse("accounts:users"), is_done=progress.has_team),
    )


def activity_of(happening: Happening) -> Activity:
    """A happening as a line of the feed."""
    if happening.connection_id:
        runs = reverse("integrations:sync_runs") + f"?workspace={happening.connection_id}"
        url = reverse("integrations:sync_run", args=[happening.run_id]) if happening.run_id else runs
        return Activity(
            actor_name=happening.actor_name,
            verb=_("brought"),
            subject=_sync_words(happening.changes),
            subject_url=url,
            at=happening.at,
            icon="refresh-cw",
        )
    verb, detail = str(VERBS.get(TaskActivity.Verb(happening.verb), happening.verb)), happening.task_title
    is_move = happening.verb in (TaskActivity.Verb.MOVED, TaskActivity.Verb.SYNCED)
    if is_move and len(happening.changes.get("status", ())) == 2:
        verb = str(VERBS[TaskActivity.Verb.MOVED])
        detail = _("to %(status)s") % {"status": happening.changes["status"][1]}
    return Activity(
        actor_name=happening.actor_name,
        verb=verb,
        subject=happening.task_key,
        subject_url=reverse("tasks:detail", args=[happening.task_key]),
        detail=detail,
        at=happening.at,
        icon="" if happening.is_by_person else "refresh-cw",
    )


def _sync_words(counts: dict[str, int]) -> str:
    texts = []
    if counts["new"]:
        texts.append(
            ngettext("%(n)s new record", "%(n)s new records", counts["new"]) % {"n": figure(counts["new"])}
        )
    if counts["changed"]:
        texts.append(
            ngettext("%(n)s change", "%(n)s changes", counts["changed"]) % {"n": figure(counts["changed"])}
        )
    if counts["archived"]:
        gone = counts["archived"]
        texts.append(ngettext("%(n)s removal", "%(n)s removals", gone) % {"n": figure(gone)})
    return ", ".join(texts)
