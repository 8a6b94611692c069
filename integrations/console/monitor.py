"""The sync monitor: how every workspace stands, what fails and how it is mended; and the records set aside."""

from typing import Final
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from integrations.models import ExternalLink
from integrations.selectors import connection_for, visible_connections
from integrations.sync.monitoring import (
    connection_health,
    error_groups,
    links_needing_care,
    recent_schema_changes,
)
from integrations.sync.retrying import retry_set_aside_records
from tenants.accounts.access import actor_of, can
from tenants.foundation.console import htmx_of, toast
from tenants.foundation.keyset import keyset_page
from tenants.foundation.page_parts import Pages, Segment

PAGE_SIZE: Final = 50
STATES: Final = (
    ExternalLink.State.QUARANTINED,
    ExternalLink.State.ACCESS_LOST,
    ExternalLink.State.MOVED_REMOTE,
)


@login_required
@require_safe
def monitor(request: HttpRequest) -> HttpResponse:
    """Every workspace at a glance, the groups of errors, and what changed about the columns."""
    actor = actor_of(request)
    health = connection_health(actor=actor)
    context = {
        "rows": health,
        "groups": error_groups(actor=actor),
        "schema_changes": recent_schema_changes(actor=actor),
        "may_sync": can(actor, "integrations.sync"),
        "may_map": can(actor, "integrations.map"),
        "may_connect": can(actor, "integrations.connect"),
    }
    part = "#results" if htmx_of(request) else ""
    return render(request, f"integrations/monitor.html{part}", context)


@login_required
@require_safe
def set_aside(request: HttpRequest) -> HttpResponse:
    """The records that could not be taken over, are no longer shared or were moved, with the reasons."""
    actor = actor_of(request)
    connections = list(visible_connections(actor=actor).order_by("name"))
    chosen = next((item for item in connections if str(item.pk) == request.GET.get("workspace")), None)
    state = request.GET.get("state", "")
    links = links_needing_care(actor=actor, connection=chosen)
    if state in STATES:
        links = links.filter(state=state)
    else:
        state = ""
    page = keyset_page(
        links, sort="id", sorts={"id": "id"}, cursor=request.GET.get("cursor") or None, size=PAGE_SIZE
    )
    workspace = str(chosen.pk) if chosen else ""
    context = {
        "links": page.rows,
        "views": [
            Segment(label=label, url=_address(key, workspace), is_current=key == state)
            for key, label in [("", _("All")), *((each.value, str(each.label)) for each in STATES)]
        ],
        "connections": connections,
        "chosen": chosen,
        "state": state,
        "may_sync": can(actor, "integrations.sync"),
        "pages": Pages(
            previous_url=_address(state, workspace, page.previous_cursor) if page.previous_cursor else "",
            next_url=_address(state, workspace, page.next_cursor) if page.next_cursor else "",
        ),
    }
    part = "#results" if htmx_of(request) else ""
    return render(request, f"integrations/set_aside.html{part}", context)


@login_required
@require_POST
def retry(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Try the records of a workspace that were set aside again, and nothing else."""
    actor = actor_of(request)
    connection = connection_for(actor=actor, connection_id=connection_id)
    count = retry_set_aside_records(connection=connection, actor=actor)
    back = HttpResponseRedirect(reverse("integrations:sync_monitor"))
    return toast(request, back, _("%(count)d rows are tried again.") % {"count": count})


def _address(state: str, workspace: str, cursor: str | None = None) -> str:
    parts = {"state": state, "workspace": workspace, "cursor": cursor or ""}
    return "?" + "&".join(f"{name}={value}" for name, value in parts.items() if value)
