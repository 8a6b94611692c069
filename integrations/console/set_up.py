"""The buttons of the path from a token to tasks: choose databases, try it, go."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from integrations.console.requests import add_domain_error
from integrations.console.workspaces import workspace_context
from integrations.models import Connection, SyncedCollection
from integrations.selectors import connection_for
from integrations.sync.safety.dry_run import start_dry_run
from integrations.sync.setting_up import choose_collections, set_up_of, start_reading
from tenants.accounts.access import actor_of, require
from tenants.foundation.console import toast
from tenants.foundation.errors import DomainError


class ChooseForm(forms.Form):
    """Which databases are to be read."""

    databases = forms.TypedMultipleChoiceField(coerce=UUID, required=False)

    def __init__(self, data: Mapping[str, Any], *, shared: list[SyncedCollection]) -> None:
        super().__init__(data)
        field = self.fields["databases"]
        assert isinstance(field, forms.TypedMultipleChoiceField)
        field.choices = [(str(item.pk), item.title) for item in shared]


@login_required
@require_POST
def choose(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Take the chosen databases; on to the first mapping nobody has confirmed."""
    actor = actor_of(request)
    require(actor, "integrations.map")
    connection = connection_for(actor=actor, connection_id=connection_id)
    shared = list(SyncedCollection.objects.filter(connection=connection))
    form = ChooseForm(request.POST, shared=shared)
    if form.is_valid():
        try:
            choose_collections(
                connection=connection, collection_ids=form.cleaned_data["databases"], actor=actor
            )
        except DomainError as error:
            add_domain_error(form, error)
    if form.errors:
        context = workspace_context(connection, actor) | {"is_choosing": True}
        context["checked"] = set(request.POST.getlist("databases"))
        context["choose_error"] = " ".join(str(line) for lines in form.errors.values() for line in lines)
        return render(request, "integrations/workspace.html", context, status=422)
    set_up = set_up_of(connection)
    waiting = set_up.next_to_confirm if set_up else None
    if waiting is not None:
        return HttpResponseRedirect(reverse("integrations:mapping", args=[waiting.pk]))
    return HttpResponseRedirect(_here(connection))


@login_required
@require_POST
def rehearse(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Start a dry run of the chosen databases, or of all that are read."""
    actor = actor_of(request)
    connection = connection_for(actor=actor, connection_id=connection_id)
    run = start_dry_run(connection=connection, actor=actor)
    return HttpResponseRedirect(reverse("integrations:sync_run", args=[run.pk]))


@login_required
@require_POST
def go(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Begin reading for good."""
    actor = actor_of(request)
    connection = connection_for(actor=actor, connection_id=connection_id)
    run = start_reading(connection=connection, actor=actor)
    answer = HttpResponseRedirect(reverse("integrations:sync_run", args=[run.pk]))
    return toast(request, answer, _("%(name)s is being brought into step.") % {"name": connection.name})


def _here(connection: Connection) -> str:
    return f"{reverse('integrations:workspace', args=[connection.pk])}#set-up"
