"""Which database a model's rows are in: control plane, a cell's shared tables, or the current tenant's schema."""

from functools import cache
from typing import Any, Literal

from django.apps import apps
from django.conf import settings
from django.db.models import Model

from tenants.tenancy.context import current_tenant_or_none
from tenants.tenancy.migrating.owner import owner_at_work
from tenants.tenancy.replicas import SUFFIX, reading_alias
from tenants.tenancy.transactions import current_alias

Plane = Literal["control", "cell", "tenant"]


class TenancyRouter:
    """Django's router; a tenant's model without a scope raises NoTenant rather than falling back to anything."""

    def db_for_read(self, model: type[Model], **hints: Any) -> str:
        if plane_of(model) == "control":
            return "default"
        return owner_at_work() or reading_alias() or current_alias()

    def db_for_write(self, model: type[Model], **hints: Any) -> str:
        return "default" if plane_of(model) == "control" else owner_at_work() or current_alias()

    def allow_relation(self, left: Model, right: Model, **hints: Any) -> bool:
        here, there = ((model._state.db or "").removesuffix(SUFFIX) for model in (left, right))
        return plane_of(type(left)) == plane_of(type(right)) and here in ("", there)

    def allow_migrate(self, db: str, app_label: str, model_name: str | None = None, **hints: Any) -> bool:
        plane = plane_of_label(app_label, model_name)
        if db == "default_owner":
            return plane == "control"
        if db == "template" or db == tenant_being_migrated():
            return plane == "tenant"
        # Only owners migrate: the login role's own aliases may change no table.
        return plane == "cell" and db.endswith("_owner") and db.removesuffix("_owner") in settings.CELLS


def tenant_being_migrated() -> str | None:
    """The owner's alias of the cell whose tenant has its scope open: only its own migration brings the two together."""
    scope = current_tenant_or_none()
    return f"{scope.cell}_owner" if scope else None


def plane_of(model: type[Model]) -> Plane:
    """Where the rows of ``model`` live."""
    return plane_of_label(model._meta.app_label, model._meta.model_name)


@cache
def plane_of_label(app_label: str, model_name: str | None) -> Plane:
    """Where the rows of a model live, by its app and name (as migrations know it)."""
    if app_label in tenant_app_labels():
        return "tenant"
    if app_label in ("contenttypes", "auth"):
        return "cell"
    if model_name is not None:
        model = apps.all_models.get(app_label, {}).get(model_name)
        if model is not None and getattr(model, "tenancy", None) == "cell":
            return "cell"
    return "control"


@cache
def tenant_app_labels() -> frozenset[str]:
    """Labels of the apps whose tables stand in every tenant's schema."""
    names = set(settings.TENANT_APPS)
    return frozenset(
        config.label
        for config in apps.get_app_configs()
        if config.name in names or f"{type(config).__module__}.{type(config).__name__}" in names
    )
