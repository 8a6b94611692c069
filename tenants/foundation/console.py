"""The console's frame: what stands in the sidebar and the palette, and what every page is given."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise, SimpleLazyObject

from tenants.foundation.page_parts import Tone
from tenants.foundation.platform import PLATFORM_SLUG as PLATFORM_SLUG

if TYPE_CHECKING:
    from django_htmx.middleware import HtmxDetails

type Text = str | Promise
type Audience = Literal["company", "platform", "client"]
THEMES = ("light", "dark")


@dataclass(frozen=True, kw_only=True)
class Count:
    """The small number beside a sidebar item; `is_urgent` draws it as something to act on."""

    value: int
    is_urgent: bool = False
    meaning: Text = ""


@dataclass(frozen=True, kw_only=True)
class TopBadge:
    """A state shown in the top bar of every page, such as how fresh the data is."""

    text: Text
    tone: Tone = "neutral"
    url: str = ""
    is_live: bool = False


@dataclass(frozen=True, kw_only=True)
class NavItem:
    """A page of the console. It is left out where its route does not exist or `is_visible` says no.

    `key` is the letter pressed after `g`; `order` sorts within the group, groups sort by `GROUPS`.
    """

    label: Text
    url_name: str
    icon: str
    group: str = ""
    key: str = ""
    order: int = 100
    audience: Audience = "company"
    query: str = ""
    is_tab: bool = False
    tab_label: Text = ""
    is_visible: Callable[[HttpRequest], bool] | None = None
    count: Callable[[HttpRequest], Count | None] | None = None


@dataclass(frozen=True, kw_only=True)
class PaletteAction:
    """Something to do from the command palette: a page to open, or with `is_post` a form to send."""

    label: Text
    url_name: str
    icon: str
    query: str = ""
    key: str = ""
    is_post: bool = False
    order: int = 100
    audience: Audience = "company"
    is_visible: Callable[[HttpRequest], bool] | None = None


@dataclass(frozen=True, kw_only=True)
class ShownItem:
    """An item as the templates draw it: address resolved, count asked for, current page known."""

    label: Text
    url: str
    icon: str
    key: str = ""
    is_current: bool = False
    is_tab: bool = False
    is_post: bool = False
    tab_label: Text = ""
    count: Count | None = None


@dataclass(frozen=True, kw_only=True)
class Shell:
    """All the frame needs, worked out once a page and only when a page has a frame."""

    groups: tuple[tuple[str, tuple[ShownItem, ...]], ...]
    account: tuple[ShownItem, ...]
    actions: tuple[ShownItem, ...]
    tabs: tuple[ShownItem, ...]
    badge: TopBadge | None
    search_url: str

    @property
    def administration(self) -> tuple[ShownItem, ...]:
        """The pages of those who look after the company."""
        return dict(self.groups).get("Administration", ())


# The sidebar's groups from top to bottom; "account" is the menu behind the person's name.
GROUPS = ("", "Work", "Integrations", "Administration", "Platform")
ACCOUNT_GROUP = "account"

_items: dict[str, NavItem] = {}
_actions: dict[str, PaletteAction] = {}
_badges: dict[Audience, Callable[[HttpRequest], TopBadge | None]] = {}
_search_url_names: list[str] = []


def register_nav(*items: NavItem) -> None:
    """Add pages to the sidebar and the palette; called from an app's `ready()`, safe to repeat."""
    for item in items:
        _items[f"{item.audience} {item.url_name}?{item.query}"] = item


def register_actions(*actions: PaletteAction) -> None:
    """Add things to do to the palette; called from an app's `ready()`, safe to repeat."""
    for action in actions:
        _actions[f"{action.url_name}?{action.query}"] = action


def register_top_badge(
    source: Callable[[HttpRequest], TopBadge | None], *, audience: Audience = "company"
) -> None:
    """Say what the top bar shows; one source for each kind of host."""
    _badges[audience] = source


def register_search(url_name: str) -> None:
    """Name the route whose fragment the palette shows for typed words (`?q=`)."""
    if url_name not in _search_url_names:
        _search_url_names.append(url_name)


def audience_of(request: HttpRequest) -> Audience:
    """Whom a page is for: a company's people, its clients, or the platform's own."""
    if getattr(request, "is_client", False):
        return "client"
    tenant = getattr(request, "tenant", None)
    return "platform" if getattr(tenant, "slug", None) == PLATFORM_SLUG else "company"


def theme_of(request: HttpRequest) -> str:
    """The theme chosen in this browser (`light`, `dark`), empty to follow the system."""
    chosen = request.COOKIES.get("theme", "")
    if chosen not in THEMES:
        chosen = getattr(getattr(request, "user", None), "theme", "")
    return chosen if chosen in THEMES else ""


def shell_for(request: HttpRequest) -> Shell:
    """The frame for this request's reader; a stranger gets an empty one."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return Shell(groups=(), account=(), actions=(), tabs=(), badge=None, search_url="")
    audience = audience_of(request)
    pairs = [
        (item, shown)
        for item in sorted(_items.values(), key=lambda each: (each.order, str(each.label)))
        if item.audience == audience and (shown := _shown(item, request))
    ]
    shown_items = _with_current(pairs, request)
    groups = tuple(
        (name, members)
        for name in GROUPS
        if (members := tuple(shown for group, shown in shown_items if group == name))
    )
    actions = sorted(_actions.values(), key=lambda each: (each.order, str(each.label)))
    return Shell(
        groups=groups,
        account=tuple(shown for group, shown in shown_items if group == ACCOUNT_GROUP),
        actions=tuple(
            shown for action in actions if action.audience == audience and (shown := _shown(action, request))
        ),
        tabs=tuple(shown for _, shown in shown_items if shown.is_tab)[:4],
        badge=top_badge_for(request),
        search_url=""
        if audience == "client"
        else next((url for name in _search_url_names if (url := _address(name))), ""),
    )


def top_badge_for(request: HttpRequest) -> TopBadge | None:
    """What the top bar of this host says to this reader; None when there is nothing to say."""
    source = _badges.get(audience_of(request))
    return source(request) if source else None


def console_context(request: HttpRequest) -> dict[str, Any]:
    """Context processor of every page: the company, the theme and, asked for lazily, the frame."""
    return {
        "tenant": getattr(request, "tenant", None),
        "is_portal": getattr(request, "is_client", False),
        # At the platform's own sign-in: whether a stranger may make a company.
        "sign_up_is_open": settings.SIGN_UPS_ARE_OPEN and audience_of(request) == "platform",
        "theme": theme_of(request),
        "shortcuts": "off" if request.COOKIES.get("shortcuts") == "off" else "on",
        "shell": SimpleLazyObject(lambda: shell_for(request)),
    }


def htmx_of(request: HttpRequest) -> "HtmxDetails":
    """What htmx says of a request; false when it was not htmx that asked."""
    details: HtmxDetails = request.htmx  # type: ignore[attr-defined]
    return details


def toast(request: HttpRequest, response: HttpResponse, text: str, *, undo_url: str = "") -> HttpResponse:
    """Tell the reader what was done, with a button that posts to `undo_url`.

    Travels as an event with an htmx answer, as a message with a redirect; `undo_url` must take a plain POST.
    """
    if request.headers.get("HX-Request") == "true" and "HX-Redirect" not in response.headers:
        detail = {"toast": {"text": text, "undo": undo_url}}
        response.headers["HX-Trigger"] = json.dumps(detail)
    else:
        messages.success(request, text, extra_tags=undo_url)
    return response


def _address(url_name: str) -> str:
    try:
        return reverse(url_name)
    except NoReverseMatch:
        return ""


def _shown(item: NavItem | PaletteAction, request: HttpRequest) -> ShownItem | None:
    address = _address(item.url_name)
    if not address or (item.is_visible is not None and not item.is_visible(request)):
        return None
    url = f"{address}?{item.query}" if item.query else address
    if isinstance(item, PaletteAction):
        return ShownItem(label=item.label, url=url, icon=item.icon, key=item.key, is_post=item.is_post)
    return ShownItem(
        label=item.label,
        url=url,
        icon=item.icon,
        key=item.key,
        is_tab=item.is_tab,
        tab_label=item.tab_label or item.label,
        count=item.count(request) if item.count else None,
    )


def _with_current(
    pairs: list[tuple[NavItem, ShownItem]], request: HttpRequest
) -> list[tuple[str, ShownItem]]:
    """Mark the item with the longest address that leads to the asked page, its query included."""
    asked = request.path
    asked_query = request.META.get("QUERY_STRING", "").split("&")

    def match(shown: ShownItem) -> int:
        path, _, query = shown.url.partition("?")
        if query and not (asked == path and all(part in asked_query for part in query.split("&"))):
            return 0
        if asked == path or (path != "/" and asked.startswith(path)):
            return len(shown.url)
        return 0

    best = max((match(shown) for _, shown in pairs), default=0)
    return [
        (item.group, replace(shown, is_current=bool(best) and match(shown) == best)) for item, shown in pairs
    ]
