"""Sync runs: what each did, and one of them as it goes."""

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from integrations.console.run_changes import changes_context
from integrations.console.run_parts import part_rows, percent, progress_note, steps_of, time_left
from integrations.console.set_up_path import path_of
from integrations.models import Connection, SyncRun, SyncRunLog
from integrations.selectors import sync_run_for, visible_connections, visible_sync_runs
from integrations.services import cancel_run, start_sync_run
from integrations.sync.setting_up import SetUpStep, set_up_of
from tenants.accounts.access import UserActor, actor_of, can, require
from tenants.foundation.console import htmx_of, toast
from tenants.foundation.keyset import keyset_page
from tenants.foundation.page_parts import LogLine, Pages, Segment
from tenants.tenancy import atomic

PAGE_SIZE: Final = 30
LOG_LINES: Final = 200
# A stream holds one thread of the web server (four in production); beyond these, pages ask again after a while.
STREAMS: Final = threading.BoundedSemaphore(2)
STREAM_SECONDS, STEP_SECONDS = 50.0, 1.0
SHOWN: Final = {
    "": ("All", {}),
    "open": ("Running", {"state__in": SyncRun.OPEN_STATES}),
    "held": ("Waiting for you", {"state": SyncRun.State.WAITING, "held_for": SyncRun.Held.MASS_CHANGE}),
    "failed": ("With errors", {"state__in": [SyncRun.State.FAILED, SyncRun.State.PARTIAL]}),
}
_LEVELS: Final = {"info": "info", "warning": "warn", "error": "bad"}


@login_required
@require_safe
def run_list(request: HttpRequest) -> HttpResponse:
    """The runs, newest first; polls that found nothing leave no run behind."""
    actor = actor_of(request)
    require(actor, "integrations.view")
    shown = request.GET.get("state", "")
    shown = shown if shown in SHOWN else ""
    runs = visible_sync_runs(actor=actor).filter(**SHOWN[shown][1])  # type: ignore[arg-type]
    connections = list(visible_connections(actor=actor))
    chosen = next((item for item in connections if str(item.pk) == request.GET.get("workspace")), None)
    if chosen is not None:
        runs = runs.filter(connection=chosen)
    page = keyset_page(
        runs, sort="-id", sorts={"id": "id"}, cursor=request.GET.get("cursor") or None, size=PAGE_SIZE
    )
    longest = max((run.duration_seconds or 0 for run in page.rows), default=0) or 1
    context = {
        "rows": [(run, run.duration_seconds, longest) for run in page.rows],
        "views": [
            Segment(label=_(label), url=_address(key, chosen), is_current=key == shown)
            for key, (label, _where) in SHOWN.items()
        ],
        "connections": connections,
        "chosen": chosen,
        "shown": shown,
        "pages": Pages(
            previous_url=_address(shown, chosen, page.previous_cursor) if page.previous_cursor else "",
            next_url=_address(shown, chosen, page.next_cursor) if page.next_cursor else "",
        ),
    }
    part = "#results" if htmx_of(request) else ""
    return render(request, f"integrations/sync_run_list.html{part}", context)


@login_required
@require_safe
def run(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """One run: progress, steps, databases, problems with a way to mend them, log."""
    actor = actor_of(request)
    part = "#live" if htmx_of(request) else ""
    context = run_context(run_id, actor, cursor=request.GET.get("cursor") or None)
    return render(request, f"integrations/sync_run.html{part}", context)


def run_context(run_id: UUID, actor: UserActor, *, cursor: str | None = None) -> dict[str, Any]:
    """What the page of a run shows. Raises: NotFound, InvalidInput (no such place among its changes)."""
    found = sync_run_for(actor=actor, run_id=run_id)
    set_up = set_up_of(found.connection) if found.kind == SyncRun.Kind.DRY_RUN else None
    parts = list(found.collections.all())
    share = percent(found, parts)
    newest = list(SyncRunLog.objects.filter(run=found).order_by("-id")[:LOG_LINES])
    return {
        "run": found,
        "connection": found.connection,
        "percent": share,
        "progress_note": progress_note(found, parts),
        "steps": steps_of(found),
        "parts": part_rows(parts),
        "issues": list(found.issues.all()),
        "left": time_left(found, share),
        "took": timedelta(seconds=round(found.duration_seconds))
        if found.duration_seconds is not None
        else None,
        "lines": [
            LogLine(at=line.at, text=line.message, level=_LEVELS[line.level])  # type: ignore[arg-type]
            for line in reversed(newest)
        ],
        "set_up": set_up,
        "path": path_of(found.connection, set_up, here=SetUpStep.TRY) if set_up else [],
        **changes_context(found, cursor),
        "may_sync": can(actor, "integrations.sync"),
        "may_map": can(actor, "integrations.map"),
        "may_connect": can(actor, "integrations.connect"),
    }


@login_required
@require_safe
def live(request: HttpRequest, run_id: UUID) -> HttpResponseBase:
    """The run's page part as server-sent events until it ends; 503 when too many pages are watching."""
    actor = actor_of(request)
    sync_run_for(actor=actor, run_id=run_id)
    if not STREAMS.acquire(blocking=False):
        return HttpResponse(status=503, headers={"Retry-After": "5"})
    stream = Stream(request, actor, run_id)
    response = StreamingHttpResponse(stream, content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    return response


class Stream:
    """Events of one run; gives its place back however the connection ends."""

    def __init__(self, request: HttpRequest, actor: UserActor, run_id: UUID) -> None:
        self.request, self.actor, self.run_id = request, actor, run_id
        # The request's middleware has ended by the time the parts are made.
        self._language, self._zone = get_language(), timezone.get_current_timezone()
        self._is_closed = False
        # Made with the first part: until then nothing but the answer holds this object.
        self._parts: Iterator[str] | None = None

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        try:
            self._parts = self._parts or self._events()
            return next(self._parts)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Called by the server when the answer is over, read to its end or not."""
        if not self._is_closed:
            self._is_closed = True
            STREAMS.release()

    def __del__(self) -> None:
        # An answer that was never given to the server (its request failed on the way out) is closed by nobody else.
        self.close()

    def _events(self) -> Iterator[str]:
        deadline = time.monotonic() + STREAM_SECONDS
        before = ""
        while time.monotonic() < deadline:
            with override(self._language), timezone.override(self._zone), atomic():
                context = run_context(self.run_id, self.actor)
                text = render_to_string("integrations/sync_run.html#live", context, self.request)
            if text != before:
                before = text
                yield event(text)
            if not context["run"].is_open:
                yield event("", name="done")
                return
            time.sleep(STEP_SECONDS)
            yield ": still here\n\n"


def event(data: str, *, name: str = "") -> str:
    """One server-sent event."""
    head = f"event: {name}\n" if name else ""
    return head + "".join(f"data: {line}\n" for line in data.split("\n")) + "\n"


@login_required
@require_POST
def cancel(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Stop a run at its next step."""
    actor = actor_of(request)
    found = sync_run_for(actor=actor, run_id=run_id)
    cancel_run(run=found, actor=actor)
    here = reverse("integrations:sync_run", args=[found.pk])
    return toast(request, HttpResponseRedirect(here), _("The run stops at its next step."))


@login_required
@require_POST
def again(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Read the same workspace again; rows set aside are tried too, and what is missing is followed if said so."""
    actor = actor_of(request)
    found = sync_run_for(actor=actor, run_id=run_id)
    is_confirmed = request.POST.get("deletions") == "confirmed"
    new = start_sync_run(
        connection=found.connection,
        actor=actor,
        kind=SyncRun.Kind.FULL if is_confirmed else None,
        accepts_disappearances=is_confirmed,
    )
    return HttpResponseRedirect(reverse("integrations:sync_run", args=[new.pk]))


@login_required
@require_safe
def log_file(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """The whole log of a run as a text file."""
    found = sync_run_for(actor=actor_of(request), run_id=run_id)
    lines = SyncRunLog.objects.filter(run=found).order_by("id").values_list("at", "level", "message")
    text = "".join(f"{at.isoformat()}\t{level}\t{message}\n" for at, level, message in lines.iterator())
    name = f"sync-run-{timezone.localtime(found.created_at):%Y%m%d-%H%M%S}.log"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(text, content_type="text/plain; charset=utf-8", headers=headers)


def _address(shown: str, connection: Connection | None, cursor: str | None = None) -> str:
    pairs = {"state": shown, "workspace": str(connection.pk) if connection else "", "cursor": cursor or ""}
    query = "&".join(f"{name}={value}" for name, value in pairs.items() if value)
    return reverse("integrations:sync_runs") + (f"?{query}" if query else "")
