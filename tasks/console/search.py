"""The palette's search: a few tasks for the words typed so far."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_GET

from tasks.selectors import found_tasks
from tenants.accounts.access import actor_of, require_somewhere
from tenants.foundation.console import htmx_of

MAX_CHARS = 200


@login_required
@require_GET
def search(request: HttpRequest) -> HttpResponse:
    """Tasks for `q` as options of the palette; without htmx the list searched for the same."""
    actor = actor_of(request)
    require_somewhere(actor, "tasks.view")
    words = request.GET.get("q", "").replace("\x00", "")[:MAX_CHARS]
    if not htmx_of(request):
        return redirect(f"{reverse('tasks:list')}?{urlencode({'q': words})}")
    tasks = found_tasks(actor=actor, words=words)
    return render(request, "tasks/search.html", {"tasks": tasks})
