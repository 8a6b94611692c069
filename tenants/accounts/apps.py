"""Plugs the accounts in."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.module_loading import import_string

from tenants.accounts import letters, navigation, permissions, sign_in_permissions
from tenants.accounts.access import change_letters
from tenants.accounts.scim import letter_kinds as scim_letters
from tenants.accounts.scim import permissions as scim_permissions
from tenants.accounts.sso import letter_kinds as sso_letters
from tenants.accounts.sso import permissions as sso_permissions
from tenants.foundation.idempotency import IdempotencyStore, use_idempotency_store


def _idempotency_store() -> IdempotencyStore:
    store: IdempotencyStore = import_string("tenants.accounts.idempotency.DatabaseIdempotencyStore")()
    return store


class AccountsConfig(AppConfig):
    """Users, departments, invitations and tokens, in the tenant's own schema."""

    name = "tenants.accounts"
    label = "accounts"

    def ready(self) -> None:
        """Register permissions, the store of idempotency keys and what OpenAPI needs to be told."""
        permissions.register()
        sso_permissions.register()
        scim_permissions.register()
        scim_letters.register()
        sign_in_permissions.register()
        navigation.register()
        letters.register()
        change_letters.register()
        sso_letters.register()
        use_idempotency_store(_idempotency_store)
        for module in (
            "tenants.foundation.api.schema",
            "tenants.accounts.api.schema",
            "tenants.accounts.sessions.signals",
            "tenants.accounts.mfa.wiring",
        ):
            import_module(module)
