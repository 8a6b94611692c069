"""The history of a task in words."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tasks.models import TaskActivity
from tenants.foundation.page_parts import Activity

_VERBS = {
    TaskActivity.Verb.CREATED: gettext_lazy("created this task"),
    TaskActivity.Verb.UPDATED: gettext_lazy("changed"),
    TaskActivity.Verb.MOVED: gettext_lazy("moved this"),
    TaskActivity.Verb.ARCHIVED: gettext_lazy("archived this task"),
    TaskActivity.Verb.RESTORED: gettext_lazy("restored this task"),
    TaskActivity.Verb.SYNCED: gettext_lazy("took over from the workspace:"),
    TaskActivity.Verb.APPROVAL_ASKED: gettext_lazy("asked for an approval:"),
    TaskActivity.Verb.APPROVAL_GIVEN: gettext_lazy("approved:"),
    TaskActivity.Verb.APPROVAL_DENIED: gettext_lazy("did not approve:"),
    TaskActivity.Verb.APPROVAL_GONE: gettext_lazy("withdrew the request for an approval:"),
}
_FIELDS = {
    "title": gettext_lazy("title"),
    "description": gettext_lazy("description"),
    "status": gettext_lazy("status"),
    "priority": gettext_lazy("priority"),
    "department": gettext_lazy("department"),
    "project": gettext_lazy("project"),
    "parent": gettext_lazy("parent"),
    "start_on": gettext_lazy("start"),
    "due_on": gettext_lazy("due date"),
    "due_at": gettext_lazy("due time"),
    "estimate_hours": gettext_lazy("estimate"),
    "tags": gettext_lazy("tags"),
    "assignees": gettext_lazy("owners"),
    "completed_at": gettext_lazy("completion"),
    "depends_on": gettext_lazy("waits for"),
    "source": gettext_lazy("workspace"),
    "source_url": gettext_lazy("link"),
    "archived": gettext_lazy("archived"),
    "created_at": gettext_lazy("created"),
}


def feed_of(entries: Iterable[TaskActivity]) -> list[Activity]:
    """History entries as lines of the activity feed."""
    return [
        Activity(
            actor_name=entry.actor_name,
            verb=str(_VERBS[TaskActivity.Verb(entry.verb)]),
            at=entry.created_at,
            detail=", ".join(_change(name, *pair) for name, pair in entry.changes.items()),
            icon="refresh-cw" if entry.user_id is None else "",
        )
        for entry in entries
    ]


def _change(name: str, before: str | None, after: str | None) -> str:
    if name == "approval":
        return after or ""
    word = str(_FIELDS.get(name, name))
    if before is None and after is None:
        return word
    if before is None:
        return _("%(field)s: %(after)s") % {"field": word, "after": after}
    if after is None:
        return _("%(field)s: %(before)s removed") % {"field": word, "before": before}
    return _("%(field)s: %(before)s → %(after)s") % {"field": word, "before": before, "after": after}
