"""The small marks of the console as template tags: icons, people, priorities, states, badges."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any
from zlib import crc32

from django import template
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from lucide.templatetags.lucide import lucide

from tenants.foundation.page_parts import Tone

register = template.Library()

AVATAR_COLORS = 6
TENTHS_BELOW, A_MINUTE = 10, 60
ICON_PIXELS = {"sm": 14, "md": 16, "lg": 20, "xl": 24}
PRIORITIES: Mapping[int, Any] = {
    0: gettext_lazy("No priority"),
    1: gettext_lazy("Low"),
    2: gettext_lazy("Medium"),
    3: gettext_lazy("High"),
    4: gettext_lazy("Urgent"),
}
# state → (icon, tone, word). Tasks, connections and sync runs speak of themselves through these.
STATES: Mapping[str, tuple[str, Tone, Any]] = {
    "planned": ("circle-dashed", "neutral", gettext_lazy("Planned")),
    "in_progress": ("circle-dot", "warn", gettext_lazy("In progress")),
    "blocked": ("circle-alert", "bad", gettext_lazy("Blocked")),
    "in_review": ("eye", "info", gettext_lazy("In review")),
    "done": ("circle-check", "ok", gettext_lazy("Done")),
    "cancelled": ("circle-x", "neutral", gettext_lazy("Cancelled")),
    "queued": ("clock", "neutral", gettext_lazy("Queued")),
    "running": ("loader", "brand", gettext_lazy("Running")),
    "succeeded": ("circle-check", "ok", gettext_lazy("Finished")),
    "partial": ("triangle-alert", "warn", gettext_lazy("Finished with errors")),
    "failed": ("circle-x", "bad", gettext_lazy("Failed")),
    "connected": ("circle-check", "ok", gettext_lazy("Connected")),
    "paused": ("pause", "neutral", gettext_lazy("Paused")),
    "suspended": ("circle-alert", "bad", gettext_lazy("Suspended")),
    "needs_attention": ("triangle-alert", "warn", gettext_lazy("Needs attention")),
    "waiting": ("clock", "info", gettext_lazy("Waiting")),
    "reauthorise": ("key-round", "bad", gettext_lazy("Needs a new token")),
    "error": ("circle-x", "bad", gettext_lazy("Error")),
    "ready": ("circle-check", "ok", gettext_lazy("Ready")),
    "attention": ("triangle-alert", "warn", gettext_lazy("Needs attention")),
    "unreadable": ("circle-alert", "bad", gettext_lazy("Cannot be read")),
    "lost": ("plug", "warn", gettext_lazy("No longer shared")),
    "active": ("circle-dot", "ok", gettext_lazy("Active")),
    "provisioning": ("loader", "info", gettext_lazy("Being set up")),
    "read_only": ("lock", "warn", gettext_lazy("Read-only")),
    "exporting": ("download", "info", gettext_lazy("Being exported")),
    "moving": ("truck", "info", gettext_lazy("Being moved")),
    "pending_deletion": ("trash-2", "bad", gettext_lazy("To be deleted")),
    "deleted": ("trash-2", "neutral", gettext_lazy("Deleted")),
    "undoing": ("loader", "warn", gettext_lazy("Being undone")),
    "undone": ("undo-2", "warn", gettext_lazy("Undone")),
    "requested": ("clock", "info", gettext_lazy("Waiting")),
    "approved": ("circle-check", "ok", gettext_lazy("Approved")),
    "changes_requested": ("pencil", "warn", gettext_lazy("Changes asked for")),
    "refused": ("circle-x", "bad", gettext_lazy("Refused")),
    "withdrawn": ("undo-2", "neutral", gettext_lazy("Withdrawn")),
    "reached": ("circle-check", "ok", gettext_lazy("Reached")),
    "late": ("circle-alert", "bad", gettext_lazy("Late")),
    "ahead": ("flag", "neutral", gettext_lazy("Ahead")),
    "disconnected": ("plug", "neutral", gettext_lazy("Disconnected")),
}


@lru_cache(maxsize=512)
def _drawn(name: str, size: str, extra: str) -> SafeString:
    classes = " ".join(filter(None, ("icon", f"icon-{size}" if size != "md" else "", extra)))
    drawing = lucide(name, size=ICON_PIXELS[size], **{"class": classes, "aria_hidden": "true"})
    return mark_safe(" ".join(drawing.split()).replace("> <", "><"))  # noqa: S308 (Lucide's own drawing)


@register.simple_tag
def icon(name: str, size: str = "md", *, label: str = "", extra: str = "") -> SafeString:
    """A Lucide icon of 14, 16, 20 or 24 px (`sm` … `xl`); hidden from screen readers unless labelled."""
    drawing = _drawn(str(name), size, extra)
    if not label:
        return drawing
    return format_html('<span class="row" role="img" aria-label="{}">{}</span>', label, drawing)


def initials(name: str) -> str:
    """One or two letters that stand for a name."""
    words = [word for word in name.replace("@", " ").replace(".", " ").split() if word[:1].isalnum()]
    letters = words[:1] + words[1:][-1:]
    return "".join(word[0] for word in letters).upper() or "?"


def _avatar(name: str, url: str, size: str) -> SafeString:
    classes = f"avatar avatar-{crc32(name.encode()) % AVATAR_COLORS + 1}" + (
        f" avatar-{size}" if size else ""
    )
    if url.startswith("data:image/"):
        return format_html('<img class="{}" src="{}" alt="{}">', classes, url, name)
    return format_html('<span class="{}" role="img" aria-label="{}">{}</span>', classes, name, initials(name))


@register.simple_tag
def avatar(person: Any, size: str = "") -> SafeString:
    """A person's initials in a steady colour; `person` has a `name`, or is one. Size `""` or `lg`."""
    name = person if isinstance(person, str) else getattr(person, "name", "") or str(person or "")
    return _avatar(name or _("Nobody"), getattr(person, "avatar_url", "") or "", size)


@register.simple_tag
def avatar_stack(people: Iterable[Any], show: int = 3) -> SafeString:
    """Up to `show` people overlapping, then how many more; nothing when there is nobody."""
    everyone = list(people)
    if not everyone:
        return SafeString("")
    drawn = format_html_join("", "{}", ((avatar(person),) for person in everyone[:show]))
    rest = len(everyone) - show
    more = format_html('<span class="avatar avatar-more">+{}</span>', rest) if rest > 0 else ""
    return format_html('<span class="avatars">{}{}</span>', drawn, more)


@register.simple_tag
def priority(value: int, *, with_word: bool = False) -> SafeString:
    """Three bars, as many filled as the priority says; urgent ones in the alarm colour."""
    word = PRIORITIES.get(int(value), PRIORITIES[0])
    label = _("Priority: %(name)s") % {"name": word}
    bars = format_html(
        '<svg class="priority priority-{}" viewBox="0 0 14 14" role="img" aria-label="{}">'
        '<rect x="1" y="8" width="3" height="5" rx="1"/><rect x="5.5" y="5" width="3" height="8" rx="1"/>'
        '<rect x="10" y="2" width="3" height="11" rx="1"/></svg>',
        int(value),
        label,
    )
    return format_html('<span class="row">{}{}</span>', bars, word) if with_word else bars


@register.simple_tag
def status(value: str, label: str = "") -> SafeString:
    """A state as icon and word, never colour alone; `label` replaces the word."""
    name, tone, word = STATES.get(
        str(value), ("circle", "neutral", str(value).replace("_", " ").capitalize())
    )
    extra = "spin" if name == "loader" else ""
    return format_html(
        '<span class="status tone-{}">{}<span>{}</span></span>',
        tone,
        icon(name, "sm", extra=extra),
        label or word,
    )


@register.simple_tag
def status_icon(value: str) -> SafeString:
    """Only the icon of a state, where its word stands beside it already."""
    name, tone, _word = STATES.get(str(value), ("circle", "neutral", ""))
    return format_html('<span class="status tone-{}">{}</span>', tone, icon(name))


@register.simple_tag
def badge(
    text: Any, tone: str = "neutral", *, icon_name: str = "", dot: int | str = "", live: bool = False
) -> SafeString:
    """A small label. `dot` 1–6 draws a department's colour; `live` draws a beating dot."""
    mark: SafeString | str = ""
    if icon_name:
        mark = icon(icon_name, "sm")
    elif live:
        mark = mark_safe('<i class="dot live"></i>')
    elif dot:
        mark = format_html('<i class="dot series-{}"></i>', int(dot))
    return format_html('<span class="badge tone-{}">{}{}</span>', tone, mark, text)


@register.simple_tag
def state_badge(value: str, label: str = "") -> SafeString:
    """A state drawn as a badge, with its icon."""
    name, tone, word = STATES.get(
        str(value), ("circle", "neutral", str(value).replace("_", " ").capitalize())
    )
    if name == "loader":
        return badge(label or word, tone, live=True)
    return badge(label or word, tone, icon_name=name)


@register.simple_tag
def department(value: Any) -> SafeString:
    """A department's badge in its own colour; nothing when there is none."""
    return badge(value.name, dot=value.color) if value else SafeString("")


@register.filter
def ago(moment: datetime | None) -> str:
    """How long ago, in the largest whole unit: "38 s ago", "4 min ago", "2 d ago"."""
    if moment is None:
        return _("never")
    seconds = max(int((timezone.now() - moment).total_seconds()), 0)
    if seconds < 60:
        return _("%(count)s s ago") % {"count": seconds}
    if seconds < 3600:
        return _("%(count)s min ago") % {"count": seconds // 60}
    if seconds < 86400:
        return _("%(count)s h ago") % {"count": seconds // 3600}
    return _("%(count)s d ago") % {"count": seconds // 86400}


@register.filter
def length_of_time(seconds: float) -> str:
    """A length of time, given in seconds, as a person says it: 0.4 s, 12 s, 2 min 5 s, 1 h 3 min.

    Tenths are told of a short float only: an int was counted in whole seconds.
    """
    if isinstance(seconds, float) and seconds < TENTHS_BELOW:
        return _("%(n)s s") % {"n": number_format(seconds, 1)}
    whole = round(seconds)
    if whole < A_MINUTE:
        return _("%(n)d s") % {"n": whole}
    minutes, rest = divmod(whole, A_MINUTE)
    if minutes < A_MINUTE:
        return _("%(m)d min %(s)d s") % {"m": minutes, "s": rest}
    hours, minutes = divmod(minutes, A_MINUTE)
    return _("%(h)d h %(m)d min") % {"h": hours, "m": minutes}
