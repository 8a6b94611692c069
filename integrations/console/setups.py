"""Make the core databases in a workspace: the plan, the page they are made in, and how far it is."""

from typing import Any, Final
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from integrations.bootstrap.blueprint import BLUEPRINT, BY_KEY
from integrations.bootstrap.planning import ADOPT, MAKE, SKIP, Planned
from integrations.bootstrap.services import (
    parent_pages,
    proposed_setup,
    retry_setup,
    setup_for,
    setups_of,
    start_setup,
)
from integrations.models import Connection, WorkspaceSetup
from integrations.selectors import connection_for
from tenants.accounts.access import UserActor, actor_of, can, require
from tenants.foundation.console import htmx_of, toast
from tenants.foundation.errors import DomainError
from tenants.tenancy import atomic, outside_transaction

LAST_SHOWN: Final = 5


@login_required
@outside_transaction
@require_http_methods(["GET", "HEAD", "POST"])
def new_setup(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Show what would be made and what taken over; start it."""
    actor = actor_of(request)
    with atomic():
        require(actor, "integrations.connect")
        connection = connection_for(actor=actor, connection_id=connection_id)
    choices = {key: request.POST[key] for key in BY_KEY if key in request.POST}
    problem = ""
    if request.method == "POST":
        try:
            setup = start_setup(
                connection=connection,
                actor=actor,
                parent_page_id=request.POST.get("parent", ""),
                choices=choices,
                adds_missing="adds_missing" in request.POST,
                has_dashboard="has_dashboard" in request.POST,
            )
        except DomainError as error:
            problem = str(error)
        else:
            return HttpResponseRedirect(reverse("integrations:setup", args=[connection.pk, setup.pk]))
    context = _form(connection, actor, choices, problem)
    with atomic():
        context["setups"] = list(setups_of(actor=actor, connection=connection)[:LAST_SHOWN])
        status = 422 if problem else 200
        return render(
            request, "integrations/setup_new.html", {**context, "asked": request.POST}, status=status
        )


def _form(connection: Connection, actor: UserActor, choices: dict[str, str], problem: str) -> dict[str, Any]:
    known = {key: value for key, value in choices.items() if value in {MAKE, ADOPT, SKIP}}
    planned = proposed_setup(connection=connection, actor=actor)
    pages, unreachable = [], ""
    try:
        pages = parent_pages(connection=connection, actor=actor)
    except DomainError as error:
        unreachable = str(error)
    return {
        "connection": connection,
        "rows": [(item, known.get(item.key, item.action), _actions(item)) for item in planned],
        "pages": pages,
        "unreachable": unreachable,
        "problem": problem,
    }


def _actions(item: Planned) -> list[tuple[str, str]]:
    takes_over = [(ADOPT, _("Take over “%(title)s”") % {"title": item.title})] if item.action == ADOPT else []
    return [*takes_over, (MAKE, _("Make a new one")), (SKIP, _("Leave out"))]


@login_required
@require_safe
def setup(request: HttpRequest, connection_id: UUID, setup_id: UUID) -> HttpResponse:
    """How far a set-up is, database by database."""
    actor = actor_of(request)
    connection = connection_for(actor=actor, connection_id=connection_id)
    found = setup_for(actor=actor, connection=connection, setup_id=setup_id)
    context = {
        "connection": connection,
        "setup": found,
        "is_open": found.state in {WorkspaceSetup.State.QUEUED, WorkspaceSetup.State.RUNNING},
        "rows": [
            (database, found.plan["databases"][database.key], found.made.get(database.key))
            for database in BLUEPRINT
        ],
        "dashboard": found.made.get("dashboard"),
        "figures": found.made.get("figures"),
        "views_refused": found.made.get("views_refused", ""),
        "may_connect": can(actor, "integrations.connect"),
    }
    part = "#results" if htmx_of(request) else ""
    return render(request, f"integrations/setup.html{part}", context)


@login_required
@require_POST
def setup_again(request: HttpRequest, connection_id: UUID, setup_id: UUID) -> HttpResponse:
    """Go on with a set-up that failed, where it stands."""
    actor = actor_of(request)
    connection = connection_for(actor=actor, connection_id=connection_id)
    found = setup_for(actor=actor, connection=connection, setup_id=setup_id)
    retry_setup(setup=found, actor=actor)
    back = HttpResponseRedirect(reverse("integrations:setup", args=[connection.pk, found.pk]))
    return toast(request, back, _("It goes on where it stood."))
