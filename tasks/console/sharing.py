"""Sharing a task or a project: with colleagues, groups and clients, in plain words, until a day, and taking it back."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from tasks.console.forms import add_domain_error
from tasks.models import Project, Task
from tasks.selectors import visible_project, visible_task
from tasks.sharing import (
    LEVELS,
    holder_of,
    level_of,
    share,
    share_with_client,
    shares_of,
    tell_of_share,
    unshare,
)
from tenants.accounts.access import UserActor, actor_of, can, require
from tenants.accounts.models import Group, User
from tenants.foundation.console import htmx_of, toast
from tenants.foundation.errors import DomainError, InvalidInput, LimitReached

MAX_CHOICES: Final = 500
WORDS: Final = {
    "view": gettext_lazy("See it"),
    "comment": gettext_lazy("See and comment"),
    "approve": gettext_lazy("See, comment and approve"),
    "edit": gettext_lazy("See, comment, approve and change"),
}


class ShareForm(forms.Form):
    """With whom, what they may do, until when."""

    holder = forms.ChoiceField(label=gettext_lazy("Person or group"), required=False)
    email = forms.EmailField(
        label=gettext_lazy("Or invite a client by e-mail"),
        required=False,
        max_length=254,
        help_text=gettext_lazy("They come in as a guest and see only what is shared with them."),
    )
    level = forms.ChoiceField(label=gettext_lazy("They may"), choices=tuple(WORDS.items()), initial="comment")
    until = forms.DateField(
        label=gettext_lazy("Until (including this day)"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
    )

    def __init__(self, *args: Any, actor: UserActor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = (
            User.objects.filter(is_active=True, service_account=None, support_account=None)
            if can(actor, "accounts.view_users")
            else User.objects.none()
        )
        holder: Any = self.fields["holder"]
        holder.choices = [
            ("", _("Choose…")),
            (
                _("People"),
                [(f"user:{each.pk}", str(each)) for each in people.order_by("name", "pk")[:MAX_CHOICES]],
            ),
            (_("Groups"), [(f"group:{each.pk}", each.name) for each in Group.objects.all()[:MAX_CHOICES]]),
        ]
        if not can(actor, "accounts.invite_guests"):
            del self.fields["email"]

    def expires_at(self) -> datetime | None:
        """The end of the last day."""
        day = self.cleaned_data["until"]
        return timezone.make_aware(datetime.combine(day, time.max)) if day else None


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def share_task(request: HttpRequest, key: str) -> HttpResponse:
    """With whom a task is shared. Raises: NotFound, Forbidden."""
    actor = actor_of(request)
    task = visible_task(actor=actor, key=key)
    return _page(request, task, actor)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def share_project(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """With whom a project and its tasks are shared. Raises: NotFound, Forbidden."""
    actor = actor_of(request)
    return _page(request, visible_project(actor=actor, project_id=project_id), actor)


@login_required
@require_POST
def unshare_task(request: HttpRequest, key: str) -> HttpResponse:
    """Take a task back from somebody. Raises: NotFound, Forbidden, InvalidInput."""
    actor = actor_of(request)
    return _take_back(request, visible_task(actor=actor, key=key), actor)


@login_required
@require_POST
def unshare_project(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """Take a project back from somebody. Raises: NotFound, Forbidden, InvalidInput."""
    actor = actor_of(request)
    return _take_back(request, visible_project(actor=actor, project_id=project_id), actor)


def _address(thing: Task | Project) -> str:
    if isinstance(thing, Task):
        return reverse("tasks:share", args=[thing.key])
    return reverse("tasks:share_project", args=[thing.pk])


def _page(request: HttpRequest, thing: Task | Project, actor: UserActor) -> HttpResponse:
    require(actor, "tasks.share", on=thing)
    form = ShareForm(request.POST or None, actor=actor)
    if request.method == "POST" and form.is_valid():
        try:
            name = _share(thing, form, actor)
        except LimitReached:
            raise  # a page of its own, with the time to wait
        except DomainError as error:
            add_domain_error(form, error)
        else:
            return _done(request, thing, actor, _("Shared with %(name)s") % {"name": name})
    return _shown(request, thing, actor, form)


def _shown(request: HttpRequest, thing: Task | Project, actor: UserActor, form: ShareForm) -> HttpResponse:
    """The page, or inside the dialog of the thing's own page what is in it."""
    in_dialog = bool(htmx_of(request))
    context = {
        "in_dialog": in_dialog,
        "address": _address(thing),
        "thing": thing,
        "is_task": isinstance(thing, Task),
        "form": form,
        "shares": [
            (
                each,
                f"{'user' if isinstance(each.holder, User) else 'group'}:{each.holder.pk}",
                WORDS.get(level_of(each.codes), ", ".join(each.codes)),
            )
            for each in shares_of(thing=thing, actor=actor)
        ],
        "take_back": reverse("tasks:unshare", args=[thing.key])
        if isinstance(thing, Task)
        else reverse("tasks:unshare_project", args=[thing.pk]),
    }
    template = "tasks/share.html#panel" if in_dialog else "tasks/share.html"
    return render(request, template, context, status=422 if form.is_bound else 200)


def _done(request: HttpRequest, thing: Task | Project, actor: UserActor, text: str) -> HttpResponse:
    if htmx_of(request):
        return toast(request, _shown(request, thing, actor, ShareForm(actor=actor)), text)
    return toast(request, HttpResponseRedirect(_address(thing)), text)


def _share(thing: Task | Project, form: ShareForm, actor: UserActor) -> str:
    data = form.cleaned_data
    codes, end = LEVELS[data["level"]], form.expires_at()
    email = data.get("email", "")
    if bool(email) is bool(data["holder"]):
        problem = _("Choose a person or group, or enter an address.")
        raise InvalidInput(problem, fields={"holder": [problem]})
    if email:
        return str(
            share_with_client(thing=thing, email=email, codes=codes, actor=actor, expires_at=end).holder
        )
    holder = _holder(data["holder"])
    shared = share(thing=thing, holder=holder, codes=codes, actor=actor, expires_at=end)
    # After it: what is refused above writes to nobody.
    if isinstance(holder, User):
        tell_of_share(thing=thing, user=holder, actor=actor)
    return str(shared.holder)


def _holder(value: str) -> User | Group:
    """Raises: InvalidInput, NotFound."""
    kind, _colon, pk = value.partition(":")
    try:
        number = UUID(pk)
    except ValueError:
        raise InvalidInput(fields={"holder": [_("There is no such person or group.")]}) from None
    return holder_of(user_id=number if kind == "user" else None, group_id=number if kind == "group" else None)


def _take_back(request: HttpRequest, thing: Task | Project, actor: UserActor) -> HttpResponse:
    require(actor, "tasks.share", on=thing)
    holder = _holder(request.POST.get("holder", ""))
    unshare(thing=thing, holder=holder, actor=actor)
    return _done(request, thing, actor, _("No longer shared with %(name)s") % {"name": holder})
