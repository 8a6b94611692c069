"""Clients: guests who hold nothing but what was shared with them. For them the portal is all there is."""

from collections.abc import Callable
from typing import Any, Final

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase

from tenants.accounts.access import Actor, Role, UserActor, codes_of
from tenants.foundation.platform import PLATFORM_SLUG
from tenants.tenancy import current_tenant

_OPEN: Final = "open_to_clients"


def is_client(actor: Actor | None) -> bool:
    """Say whether somebody holds no more than a guest does, anywhere in the company; sends no query.

    A guest who was given a role in a department or project is a colleague there, and no client.
    """
    if not isinstance(actor, UserActor) or current_tenant().slug == PLATFORM_SLUG:
        return False
    held = actor.own_holding
    return not held.within and held.everywhere <= codes_of(Role.GUEST)


def open_to_clients[V: Callable[..., Any]](view: V) -> V:
    """Mark a view (or the class of an API view) that answers clients too: to them all others do not exist."""
    setattr(view, _OPEN, True)
    return view


def is_open_to_clients(view: Callable[..., Any]) -> bool:
    """Say whether a view was marked, or is one that strangers may see."""
    if not getattr(view, "login_required", True):
        return True
    return bool(getattr(view, _OPEN, False) or getattr(getattr(view, "cls", None), _OPEN, False))


class ClientMiddleware:
    """Sets `request.is_client`, and answers clients from every view that is not marked as if it did not exist.

    What a program's token may reach is looked at where its actor is found (`RequiresActor`).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Note who asks, for the frame of the page."""
        actor = getattr(request, "actor", None)
        request.is_client = actor is not None and is_client(actor)  # type: ignore[attr-defined]
        return self._get_response(request)

    def process_view(
        self,
        request: HttpRequest,
        view_func: Callable[..., HttpResponseBase],
        view_args: tuple[Any, ...],
        view_kwargs: dict[str, Any],
    ) -> None:
        """Raises: Http404 before a view that is not for clients."""
        if request.is_client and not is_open_to_clients(view_func):  # type: ignore[attr-defined]
            raise Http404
