"""The integrations in the sidebar, the palette, the top bar and on the page of a task."""

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integrations.selectors import freshness, open_problem_count
from integrations.sync.conflicts.selectors import open_conflict_count
from integrations.sync.push.selectors import standings_of
from tasks.models import Task
from tasks.ports import register_task_panel
from tenants.accounts.access import UserActor, can
from tenants.foundation.console import (
    Count,
    NavItem,
    PaletteAction,
    TopBadge,
    register_actions,
    register_nav,
    register_top_badge,
)

A_MINUTE = 60


def register() -> None:
    """Put the pages and the badge in their places."""
    register_nav(
        NavItem(
            label=gettext_lazy("Notion workspaces"), url_name="integrations:workspaces", icon="database",
            group="Integrations", key="n", order=10, is_visible=_may_see,
        ),
        NavItem(
            label=gettext_lazy("Sync monitor"), url_name="integrations:sync_monitor", icon="activity",
            group="Integrations", order=15, is_visible=_may_see,
        ),
        NavItem(
            label=gettext_lazy("Conflicts"), url_name="integrations:conflicts", icon="git-compare",
            group="Integrations", order=18, is_visible=_may_sync, count=_conflicts,
        ),
        NavItem(
            label=gettext_lazy("Sync runs"), url_name="integrations:sync_runs", icon="refresh-cw",
            group="Integrations", key="s", order=20, is_tab=True, tab_label=gettext_lazy("Sync"),
            is_visible=_may_see, count=_problems,
        ),
    )  # fmt: skip
    register_actions(
        PaletteAction(
            label=gettext_lazy("Connect a Notion workspace"), url_name="integrations:connect", icon="link-2",
            is_visible=lambda request: can(getattr(request, "actor", None), "integrations.connect"),
        )
    )  # fmt: skip
    register_top_badge(_badge)
    register_task_panel(_standing)


def _may_see(request: HttpRequest) -> bool:
    return can(getattr(request, "actor", None), "integrations.view")


def _may_sync(request: HttpRequest) -> bool:
    return can(getattr(request, "actor", None), "integrations.sync")


def _conflicts(request: HttpRequest) -> Count | None:
    count = open_conflict_count(actor=request.actor)  # type: ignore[attr-defined]
    return Count(value=count, is_urgent=True, meaning=_("wait for a decision")) if count else None


def _problems(request: HttpRequest) -> Count | None:
    count = open_problem_count(actor=request.actor)  # type: ignore[attr-defined]
    return Count(value=count, is_urgent=True, meaning=_("need attention")) if count else None


def _badge(request: HttpRequest) -> TopBadge | None:
    if not _may_see(request):
        return None
    state = freshness(actor=request.actor)  # type: ignore[attr-defined]
    if state is None:
        return None
    url = reverse("integrations:workspaces")
    if state.stopped:
        text = _("%(count)d workspaces stopped") % {"count": state.stopped}
        return TopBadge(text=text if state.stopped > 1 else _("A workspace stopped"), tone="bad", url=url)
    if state.synced_at is None:
        return TopBadge(text=_("First sync under way"), tone="info", url=url, is_live=True)
    synced_at = state.synced_at
    seconds = int((timezone.now() - synced_at).total_seconds())
    is_recent = seconds < A_MINUTE
    ago = _("%(seconds)d s") % {"seconds": max(seconds, 0)} if is_recent else timesince(synced_at, depth=1)
    return TopBadge(text=_("Synced %(ago)s ago") % {"ago": ago}, tone="ok", url=url, is_live=True)


def _standing(actor: UserActor, task: Task) -> SafeString:
    """How a task stands with its records; nothing for a task of ours only."""
    standings = standings_of(actor=actor, task_id=task.pk)
    if not standings:
        return SafeString("")
    context = {"standings": standings, "may_sync": can(actor, "integrations.sync")}
    return render_to_string("integrations/_task_standing.html", context)
