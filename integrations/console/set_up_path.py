"""The path from a token to tasks as pages show it: its steps, where somebody stands, where they go on."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from integrations.models import Connection, SyncedCollection
from integrations.sync.setting_up import SetUp, SetUpStep, set_up_of

_ORDER = (SetUpStep.CHOOSE, SetUpStep.MAP, SetUpStep.TRY, SetUpStep.GO)


@dataclass(frozen=True, kw_only=True)
class PathStep:
    """One step of the path as its header shows it; `url` is empty for steps that cannot be taken yet."""

    label: str
    note: str
    is_done: bool
    is_current: bool
    url: str


def path_of(
    connection: Connection | None, set_up: SetUp | None, *, here: SetUpStep | None = None
) -> list[PathStep]:
    """The header of the path; `here` is the step the present page belongs to. Without a connection: its beginning."""
    stands = set_up.step if set_up else SetUpStep.CHOOSE
    page = reverse("integrations:workspace", args=[connection.pk]) if connection else ""
    steps = [
        PathStep(
            label=_("Connect"),
            note=connection.name if connection else "",
            is_done=connection is not None,
            is_current=connection is None,
            url="",
        )
    ]
    for step in _ORDER:
        is_reached = connection is not None and _ORDER.index(step) <= _ORDER.index(stands)
        steps.append(
            PathStep(
                label=_label(step),
                note=_note(step, set_up),
                is_done=connection is not None and _ORDER.index(step) < _ORDER.index(stands),
                is_current=connection is not None and step == (here or stands),
                url=_url(step, set_up, page) if is_reached else "",
            )
        )
    return steps


def _label(step: SetUpStep) -> str:
    return {
        SetUpStep.CHOOSE: _("Choose databases"),
        SetUpStep.MAP: _("Confirm mapping"),
        SetUpStep.TRY: _("Dry run"),
        SetUpStep.GO: _("Go"),
    }[step]


def _note(step: SetUpStep, set_up: SetUp | None) -> str:
    if set_up is None or not set_up.chosen:
        return ""
    if step is SetUpStep.CHOOSE:
        count = len(set_up.chosen)
        return ngettext("%(count)d database", "%(count)d databases", count) % {"count": count}
    if step is SetUpStep.MAP:
        return _("%(done)d of %(all)d") % {"done": len(set_up.confirmed), "all": len(set_up.chosen)}
    return ""


def _url(step: SetUpStep, set_up: SetUp | None, page: str) -> str:
    if step is SetUpStep.CHOOSE:
        return f"{page}?change=databases#set-up"
    if step is SetUpStep.MAP and set_up is not None and set_up.chosen:
        wanted = set_up.next_to_confirm or set_up.chosen[0]
        return reverse("integrations:mapping", args=[wanted.pk])
    if step is SetUpStep.TRY and set_up is not None and set_up.rehearsal is not None:
        return reverse("integrations:sync_run", args=[set_up.rehearsal.pk])
    return f"{page}#set-up"


def after_confirming(collection: SyncedCollection) -> tuple[str, str]:
    """Where somebody goes on who has confirmed a mapping, and the words that say so."""
    set_up = set_up_of(collection.connection)
    page = reverse("integrations:workspace", args=[collection.connection_id])
    if set_up is None or all(item.pk != collection.pk for item in set_up.chosen):
        return page, _("%(title)s is being brought into step.") % {"title": collection.title}
    if (waiting := set_up.next_to_confirm) is not None:
        text = _("%(title)s is confirmed. Next: %(next)s.")
        url = reverse("integrations:mapping", args=[waiting.pk])
        return url, text % {"title": collection.title, "next": waiting.title}
    return f"{page}#set-up", _("%(title)s is confirmed. Try it before anything is written.") % {
        "title": collection.title
    }


def path_context(collection: SyncedCollection) -> dict[str, object]:
    """The header of the path for the page of a mapping; empty where its database is no part of a set-up."""
    set_up = set_up_of(collection.connection)
    if set_up is None or all(item.pk != collection.pk for item in set_up.chosen):
        return {"path": [], "is_setting_up": False}
    return {"path": path_of(collection.connection, set_up, here=SetUpStep.MAP), "is_setting_up": True}
