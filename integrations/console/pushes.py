"""Changes on their way to the workspaces: what waits, what was refused and why, and how a task stands."""

from typing import Final
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from integrations.console.requests import uuid_in
from integrations.models import Connection, Push
from integrations.selectors import connection_for, visible_connections
from integrations.sync.push.refusals import hint_of
from integrations.sync.push.selectors import push_for, visible_pushes
from integrations.sync.push.services import retry_parked_pushes, retry_push
from tenants.accounts.access import actor_of, can, require
from tenants.foundation.console import htmx_of, toast
from tenants.foundation.keyset import keyset_page
from tenants.foundation.page_parts import Pages, Segment

PAGE_SIZE: Final = 50
ON_THEIR_WAY: Final = (Push.State.WAITING, Push.State.SENDING, Push.State.AMBIGUOUS)
SHOWN: Final = {
    "": (gettext_lazy("All"), tuple(Push.State)),
    "refused": (gettext_lazy("Refused"), (Push.State.PARKED,)),
    "waiting": (gettext_lazy("On their way"), ON_THEIR_WAY),
    "held": (gettext_lazy("Held"), (Push.State.HELD,)),
}


@login_required
@require_safe
def push_list(request: HttpRequest) -> HttpResponse:
    """What waits and what was refused, with a way to mend it."""
    actor = actor_of(request)
    require(actor, "integrations.view")
    shown = request.GET.get("state", "")
    shown = shown if shown in SHOWN else ""
    connections = list(visible_connections(actor=actor).order_by("name"))
    chosen = next((item for item in connections if str(item.pk) == request.GET.get("workspace")), None)
    pushes = visible_pushes(actor=actor).filter(state__in=SHOWN[shown][1])
    if chosen is not None:
        pushes = pushes.filter(connection=chosen)
    page = keyset_page(
        pushes, sort="-id", sorts={"id": "id"}, cursor=request.GET.get("cursor") or None, size=PAGE_SIZE
    )
    context = {
        "rows": [(push, hint_of(push.error_code) if push.error_code else "") for push in page.rows],
        "views": [
            Segment(label=str(label), url=_address(key, chosen), is_current=key == shown)
            for key, (label, _states) in SHOWN.items()
        ],
        "connections": connections,
        "chosen": chosen,
        "shown": shown,
        "has_refused": any(push.state == Push.State.PARKED for push in page.rows),
        "may_sync": can(actor, "integrations.sync"),
        "may_map": can(actor, "integrations.map"),
        "pages": Pages(
            previous_url=_address(shown, chosen, page.previous_cursor) if page.previous_cursor else "",
            next_url=_address(shown, chosen, page.next_cursor) if page.next_cursor else "",
        ),
    }
    part = "#results" if htmx_of(request) else ""
    return render(request, f"integrations/push_list.html{part}", context)


@login_required
@require_POST
def retry(request: HttpRequest, push_id: UUID) -> HttpResponse:
    """Send one that was refused again."""
    actor = actor_of(request)
    retry_push(push=push_for(actor=actor, push_id=push_id), actor=actor)
    return toast(request, HttpResponseRedirect(reverse("integrations:pushes")), _("It is sent again."))


@login_required
@require_POST
def retry_refused(request: HttpRequest) -> HttpResponse:
    """Send everything that was refused again, of one workspace or of all; nothing else."""
    actor = actor_of(request)
    wanted = uuid_in(request.POST, "workspace")
    connection = connection_for(actor=actor, connection_id=wanted) if wanted else None
    count = retry_parked_pushes(actor=actor, connection=connection)
    text = ngettext("%(count)d change is sent again.", "%(count)d changes are sent again.", count)
    here = HttpResponseRedirect(reverse("integrations:pushes"))
    return toast(request, here, text % {"count": count})


def _address(shown: str, connection: Connection | None, cursor: str | None = None) -> str:
    pairs = {"state": shown, "workspace": str(connection.pk) if connection else "", "cursor": cursor or ""}
    query = "&".join(f"{name}={value}" for name, value in pairs.items() if value)
    return reverse("integrations:pushes") + (f"?{query}" if query else "")
