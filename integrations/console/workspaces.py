"""Notion workspaces: connect one, see how each stands, pause, resume, disconnect, give a new token."""

from typing import Any
from uuid import UUID

import structlog
from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from integrations.console.requests import add_domain_error, uuid_in
from integrations.console.set_up_path import path_of
from integrations.models import Connection, SyncedCollection, SyncRun
from integrations.registry import offers_oauth
from integrations.selectors import collections_of, connection_for, visible_connections, visible_sync_runs
from integrations.services import (
    connect_workspace,
    disconnect_connection,
    pause_connection,
    replace_token,
    resume_connection,
    start_sync_run,
)
from integrations.sync.services import confirm_proposals, discover_collections, switch_off_collection
from integrations.sync.setting_up import SetUp, SetUpStep, set_up_of
from integrations.webhooks.selectors import webhook_of
from tenants.accounts.access import UserActor, actor_of, can, require
from tenants.foundation.console import htmx_of, toast
from tenants.foundation.errors import DomainError, ExternalServiceError, LimitReached, NotFound
from tenants.tenancy import atomic, outside_transaction

log = structlog.get_logger(__name__)


WHOLE_KINDS = (SyncRun.Kind.IMPORT, SyncRun.Kind.FULL)


class TokenForm(forms.Form):
    """The token of an internal integration; never shown again."""

    token = forms.CharField(
        label=gettext_lazy("Token"),
        max_length=1000,
        strip=True,
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=gettext_lazy("Starts with ntn_. It is stored encrypted and never shown again."),
    )


@login_required
@require_safe
def workspace_list(request: HttpRequest) -> HttpResponse:
    """Every connected workspace, how fresh it is and what it holds."""
    actor = actor_of(request)
    require(actor, "integrations.view")
    connections = list(visible_connections(actor=actor).prefetch_related("collections"))
    latest = {
        run.connection_id: run
        for run in visible_sync_runs(actor=actor)
        .filter(connection__in=connections, kind__in=WHOLE_KINDS)
        .order_by("connection_id", "-id")
        .distinct("connection_id")
    }
    rows = [
        {
            "connection": connection,
            "read": [item for item in connection.collections.all() if item.is_enabled],
            "waiting": [item for item in connection.collections.all() if is_undecided(item)],
            "run": latest.get(connection.pk),
        }
        for connection in connections
    ]
    context = {"rows": rows, "may_connect": can(actor, "integrations.connect")}
    part = "#results" if htmx_of(request) else ""
    return render(request, f"integrations/workspace_list.html{part}", context)


@login_required
@outside_transaction
@require_http_methods(["GET", "HEAD", "POST"])
def connect(request: HttpRequest) -> HttpResponse:
    """Connect a workspace with a token, look for its databases and show them."""
    actor = actor_of(request)
    require(actor, "integrations.connect")
    form = TokenForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            connection = connect_workspace(token=form.cleaned_data["token"], actor=actor)
        except DomainError as error:
            add_domain_error(form, error)
        else:
            look_now(connection, actor)
            return HttpResponseRedirect(reverse("integrations:workspace", args=[connection.pk]))
    with atomic():
        status = 422 if form.errors else 200
        context = {"form": form, "offers_oauth": offers_oauth("notion"), "path": path_of(None, None)}
        return render(request, "integrations/workspace_new.html", context, status=status)


def look_now(connection: Connection, actor: UserActor) -> None:
    """Look for databases at once; the job that was asked for with the connection does it if this fails."""
    try:
        discover_collections(connection=connection, actor=actor)
    except (ExternalServiceError, LimitReached) as error:
        log.info("connection.discovery_postponed", connection_id=connection.pk, reason=error.code)


@login_required
@require_safe
def workspace(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """One workspace: state, token, databases, its last runs."""
    actor = actor_of(request)
    connection = connection_for(actor=actor, connection_id=connection_id)
    context = workspace_context(connection, actor)
    context["is_choosing"] |= context["set_up"] is not None and request.GET.get("change") == "databases"
    return render(request, _template(request), context)


def workspace_context(connection: Connection, actor: UserActor) -> dict[str, Any]:
    """What the page of a workspace shows."""
    collections = list(collections_of(actor=actor, connection=connection).order_by("role", "title", "id"))
    runs = list(visible_sync_runs(actor=actor).filter(connection=connection)[:8])
    set_up = set_up_of(connection)
    return {
        "set_up": set_up,
        "path": path_of(connection, set_up) if set_up else [],
        "is_choosing": set_up is not None and set_up.step is SetUpStep.CHOOSE,
        "checked": _checked(set_up, collections) if set_up else set(),
        "connection": connection,
        "collections": collections,
        "webhook": webhook_of(actor=actor, connection=connection),
        "to_confirm": [item for item in collections if is_undecided(item)],
        "runs": runs,
        "open_run": next((run for run in runs if run.is_open and run.kind in WHOLE_KINDS), None),
        "task_count": sum(getattr(item, "task_count", 0) for item in collections),
        "set_aside_count": sum(getattr(item, "set_aside_count", 0) for item in collections),
        "offers_oauth": offers_oauth(connection.connector),
        "may_connect": can(actor, "integrations.connect"),
        "may_map": can(actor, "integrations.map"),
        "may_sync": can(actor, "integrations.sync"),
    }


def _checked(set_up: SetUp, collections: list[SyncedCollection]) -> set[str]:
    """The ids of databases that are chosen, or that are proposed to be while nobody has chosen any."""
    proposed = [
        item for item in collections if item.role != item.Role.OTHER and item.state != item.State.UNREADABLE
    ]
    return {str(item.pk) for item in (set_up.chosen or proposed)}


def is_undecided(collection: SyncedCollection) -> bool:
    """Whether a person has still to say how this database is read."""
    return (
        collection.mapping_state == SyncedCollection.MappingState.PROPOSED
        and collection.role != SyncedCollection.Role.OTHER
    )


@login_required
@require_POST
def act(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Do what the pressed button says: sync, pause, resume, disconnect, confirm all, switch a database off."""
    actor = actor_of(request)
    connection = connection_for(actor=actor, connection_id=connection_id)
    here = reverse("integrations:workspace", args=[connection.pk])
    action = request.POST.get("action", "")
    if action == "sync":
        run = start_sync_run(connection=connection, actor=actor)
        return HttpResponseRedirect(reverse("integrations:sync_run", args=[run.pk]))
    if action == "pause":
        pause_connection(connection=connection, actor=actor)
        text = _("%(name)s is paused.") % {"name": connection.name}
    elif action == "resume":
        resume_connection(connection=connection, actor=actor)
        text = _("%(name)s is read again.") % {"name": connection.name}
    elif action == "disconnect":
        disconnect_connection(connection=connection, actor=actor)
        here = reverse("integrations:workspaces")
        text = _("%(name)s is disconnected. Its tasks stay.") % {"name": connection.name}
    elif action == "confirm_all":
        confirmed = confirm_proposals(connection=connection, actor=actor)
        text = _("%(count)d databases are being read.") % {"count": len(confirmed)}
    elif action == "switch_off":
        chosen = uuid_in(request.POST, "collection")
        shared = collections_of(actor=actor, connection=connection)
        collection = shared.filter(pk=chosen).first() if chosen is not None else None
        if collection is None:
            raise NotFound("There is no such database in this workspace.")
        switch_off_collection(collection=collection, actor=actor)
        text = _("The database is no longer read. Its tasks stay.")
    else:
        return HttpResponse(status=400)
    return toast(request, HttpResponseRedirect(here), text)


@login_required
@outside_transaction
@require_POST
def look_again(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Ask the service which databases are shared now."""
    actor = actor_of(request)
    require(actor, "integrations.connect")
    with atomic():
        connection = connection_for(actor=actor, connection_id=connection_id)
    try:
        found = discover_collections(connection=connection, actor=actor)
        text = _("%(count)d databases are shared with the integration.") % {"count": len(found)}
    except DomainError as error:
        text = error.message
    with atomic():
        here = reverse("integrations:workspace", args=[connection.pk])
        return toast(request, HttpResponseRedirect(here), text)


@login_required
@outside_transaction
@require_http_methods(["GET", "HEAD", "POST"])
def token(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Give a workspace a new token."""
    actor = actor_of(request)
    require(actor, "integrations.connect")
    with atomic():
        connection = connection_for(actor=actor, connection_id=connection_id)
    form = TokenForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            replace_token(connection=connection, token=form.cleaned_data["token"], actor=actor)
        except DomainError as error:
            add_domain_error(form, error)
        else:
            with atomic():
                here = reverse("integrations:workspace", args=[connection.pk])
                return toast(request, HttpResponseRedirect(here), _("The new token is in use."))
    with atomic():
        context = {"form": form, "connection": connection}
        return render(
            request, "integrations/workspace_token.html", context, status=422 if form.errors else 200
        )


def _template(request: HttpRequest) -> str:
    return f"integrations/workspace.html{'#results' if htmx_of(request) else ''}"
