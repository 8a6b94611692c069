"""What a company keeps in a workspace, as a document with versions."""

import json
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from integrations.describing.document import relations_of
from integrations.describing.services import describe_workspace, description_for, descriptions_of
from integrations.selectors import connection_for
from tenants.accounts.access import actor_of
from tenants.foundation.console import toast
from tenants.foundation.errors import NotFound

VERSIONS_SHOWN = 20


@login_required
@require_safe
def description(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """The newest version, or the one that is asked for."""
    actor = actor_of(request)
    connection = connection_for(actor=actor, connection_id=connection_id)
    versions = list(descriptions_of(actor=actor, connection=connection)[:VERSIONS_SHOWN])
    shown = (
        description_for(actor=actor, connection=connection, version=_version(request)) if versions else None
    )
    context = {
        "connection": connection,
        "versions": versions,
        "shown": shown,
        "relations": relations_of(shown.document) if shown else [],
    }
    return render(request, "integrations/description.html", context)


@login_required
@require_safe
def description_file(request: HttpRequest, connection_id: UUID, kind: str) -> HttpResponse:
    """One version as a file: markdown or JSON."""
    actor = actor_of(request)
    connection = connection_for(actor=actor, connection_id=connection_id)
    found = description_for(actor=actor, connection=connection, version=_version(request))
    if kind not in {"md", "json"}:
        raise NotFound("There is no such description.")
    if kind == "json":
        body, media = json.dumps(found.document, ensure_ascii=False, indent=2), "application/json"
    else:
        body, media = found.markdown, "text/markdown"
    name = f"workspace-v{found.version}.{'json' if kind == 'json' else 'md'}"
    return HttpResponse(
        body,
        content_type=f"{media}; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "X-Content-Type-Options": "nosniff",
        },
    )


@login_required
@require_POST
def describe(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Describe the workspace anew from what is known of it."""
    actor = actor_of(request)
    connection = connection_for(actor=actor, connection_id=connection_id)
    found = describe_workspace(connection=connection, actor=actor)
    back = HttpResponseRedirect(reverse("integrations:description", args=[connection.pk]))
    return toast(request, back, _("Version %(version)d is the newest.") % {"version": found.version})


def _version(request: HttpRequest) -> int | None:
    """The version asked for. Raises: NotFound."""
    asked = request.GET.get("version", "")
    if not asked:
        return None
    if not asked.isascii() or not asked.isdigit() or len(asked) > 9:
        raise NotFound("There is no such description.")
    return int(asked)
