"""Every selector of the house, called in one company with everything another company has."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from types import UnionType
from typing import Any, TypeAliasType, Union, get_args, get_origin
from uuid import UUID

import pytest
from django.db import models, transaction
from django.db.models import QuerySet

from tasks.filters import TaskFilters
from tasks.models import ApprovalRequest, Task, TaskQuerySet
from tenants.accounts.access import UserActor
from tenants.accounts.models import User
from tenants.accounts.selectors import actor_for
from tenants.accounts.sessions.policy import Rules
from tenants.foundation.errors import DomainError, Forbidden, InvalidInput, NotFound
from tenants.models import Tenant
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tenants.tenancy.transactions import current_alias
from tests.architecture.canary import Canary
from tests.architecture.tree import FLOORS

type Selector = Callable[..., Any]
REFUSALS = (NotFound, Forbidden, InvalidInput)
# They put into words what the row says that they are given, and read nothing.
# The second and third are asked by operators, who hand over the companies they are about.
ECHOES = {
    "tenants.outbox.selectors.recent_event",
    "tenants.selectors.companies.jobs_by_tenant",
    "tenants.selectors.companies.overviews",
}


def selector_modules() -> Iterator[str]:
    """Every module called ``selectors``, and what stands in a folder of that name."""
    for floor in FLOORS:
        package = importlib.import_module(floor)
        for found in pkgutil.walk_packages(package.__path__, f"{floor}."):
            if "selectors" in found.name.split("."):
                yield found.name


def selectors() -> dict[str, Selector]:
    """Full name → function, of all that are public."""
    return {
        f"{module}.{name}": function
        for module in selector_modules()
        for name, function in inspect.getmembers(importlib.import_module(module), inspect.isfunction)
        if not name.startswith("_") and function.__module__ == module
    }


SELECTORS = selectors()


@pytest.fixture
def theirs(tenant: TenantRef, other_tenant: TenantRef) -> Canary:
    Canary(tenant).fill()
    return Canary(other_tenant).fill()


class NoSample(Exception):
    """A required argument of which this module does not know what another company has."""


def samples(name: str, kind: Any, canary: Canary, actor: UserActor) -> list[Any]:
    """What the company has that fits an argument."""
    task = canary.rows["tasks.Task"]
    row = next((row for row in canary.rows.values() if kind is type(row)), None)
    inner = get_args(kind)
    if name == "actor":
        return [actor]
    if row is not None:
        return [row]
    if kind is Tenant:
        return [Tenant.objects.get(pk=canary.tenant.id)]
    if inner == (Tenant,):
        return [list(Tenant.objects.filter(pk=canary.tenant.id))]
    of_these = [row for row in canary.rows.values() if inner == (type(row),)]
    if of_these:
        return [of_these]
    if kind is UUID:
        return [*canary.ids.values(), canary.tenant.id]
    if inner == (UUID,):
        return [list(canary.ids.values())]
    if kind is QuerySet:  # Django's annotation keeps no model; approvals are the only rows handed over
        return [ApprovalRequest.objects.all()]
    if isinstance(kind, type) and issubclass(kind, TaskQuerySet):
        return [Task.objects.filter(pk=task.pk), Task.objects.all()]
    if kind is Rules:
        return [Rules()]
    if kind is TaskFilters:
        return [TaskFilters(), TaskFilters(search=canary.mark)]
    words: dict[str, list[Any]] = {
        "key": [task.key, str(task.pk)], "words": [canary.mark], "cell": [canary.tenant.cell],  # type: ignore[attr-defined]
    }  # fmt: skip
    return words.get(name, []) if kind is str else []


def calls(function: Selector, canary: Canary, actor: UserActor) -> Iterator[dict[str, Any]]:
    """Arguments for each call, one sample after the other."""
    found: dict[str, list[Any]] = {}
    for name, parameter in inspect.signature(function, eval_str=True).parameters.items():
        said = parameter.annotation
        said = said.__value__ if isinstance(said, TypeAliasType) else said
        kinds = [said]
        if get_origin(said) in (Union, UnionType):
            kinds = [kind for kind in get_args(said) if kind is not type(None)]
        known = [value for kind in kinds for value in samples(name, kind, canary, actor)]
        if known:
            found[name] = known
        elif parameter.default is parameter.empty:
            raise NoSample(name)
    for number in range(max((len(values) for values in found.values()), default=1)):
        yield {name: values[number % len(values)] for name, values in found.items()}


def told(value: Any, given: list[Any]) -> Iterator[str]:
    """All texts and ids in a result; what was handed in (or told before) is not counted when it is handed back."""
    if any(value is one for one in given):
        return
    if isinstance(value, str | bytes | UUID):
        yield str(value)
    elif isinstance(value, models.Model):
        given.append(value)
        yield from told(dict(value.__dict__) | {"_state": list(value._state.fields_cache.values())}, given)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from told(key, given)
            yield from told(inner, given)
    elif is_dataclass(value) and not isinstance(value, type):
        for part in fields(value):
            yield from told(getattr(value, part.name), given)
    elif isinstance(value, QuerySet | list | tuple | set | frozenset):
        for inner in value:
            yield from told(inner, given)


def shown(
    function: Selector, canary: Canary, actor: UserActor, *, errors: type[DomainError] | tuple[Any, ...]
) -> bool:
    """Whether any call of a selector in the open scope tells something of the company."""
    shows = False
    for arguments in calls(function, canary, actor):
        with atomic():
            with suppress(*(errors if isinstance(errors, tuple) else (errors,))):
                given = [
                    value
                    for value in arguments.values()
                    if isinstance(value, models.Model | UserActor | UUID)
                ]
                texts = list(told(function(**arguments), given))
                shows |= any(canary.is_in(text) or canary.id_in(text) for text in texts)
            transaction.set_rollback(True, using=current_alias())
    return shows


def test_no_selector_tells_anything_of_another_company(theirs: Canary, owner: UserActor) -> None:
    """One test for all of them: two companies are filled once, and each call is rolled back."""
    telling, unknown = [], []
    for name in sorted(set(SELECTORS) - ECHOES):
        try:
            if shown(SELECTORS[name], theirs, owner, errors=REFUSALS):
                telling.append(name)
        except NoSample as missing:
            unknown.append(
                f"{name} has an argument “{missing}”: say in samples() what another company has for it"
            )
    assert telling == []
    assert unknown == []


def test_what_only_echoes_is_still_there() -> None:
    assert set(SELECTORS) >= ECHOES


def test_at_home_the_same_calls_tell_a_lot(theirs: Canary, other_tenant: TenantRef) -> None:
    """So the test above can fail."""
    with tenant_scope(other_tenant):
        actor = actor_for(User.objects.get(email=f"owner@{other_tenant.slug}.example"))
        telling = {
            name for name, function in SELECTORS.items() if shown(function, theirs, actor, errors=REFUSALS)
        }
    assert len(telling) > 20, sorted(telling)
    assert {"tasks.selectors.visible_task", "integrations.selectors.connection_for"} <= telling
