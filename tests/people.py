"""People for tests: invented, obviously so, and signed in through the product's own doors."""

from typing import Any
from uuid import uuid4

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.test import Client
from rest_framework.test import APIClient

from tenants.accounts.access import SYSTEM, Role, UserActor
from tenants.accounts.selectors import actor_for
from tenants.accounts.services import create_user
from tenants.accounts.sessions.services import note_sign_in
from tenants.accounts.sessions.store import SessionStore
from tenants.accounts.tokens.services import create_api_token
from tenants.tenancy import TenantRef

PASSWORD = "an entirely invented pass phrase"


def person(tenant: TenantRef, role: Role, name: str = "Pat Person-Example", email: str = "") -> UserActor:
    """Somebody with a role and the password `PASSWORD`; the tenant's scope and a transaction must be open."""
    address = email or f"{name.split()[0].lower()}@{tenant.slug}.example"
    return actor_for(create_user(email=address, name=name, role=role, password=PASSWORD, actor=SYSTEM))


def signed_in_client(host: str, actor: UserActor) -> Client:
    """A browser on a company's host with somebody signed in; the tenant's scope must be open."""
    session = SessionStore()
    session[SESSION_KEY] = str(actor.user_id)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = actor.user.get_session_auth_hash()
    note_sign_in(
        session=session,
        user=actor.user,
        method="password",
        second_factor="",
        address="127.0.0.1",
        user_agent="",
    )
    session.save()
    client = Client(headers={"host": host})
    client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key or ""
    return client


class CarefulClient(APIClient):
    """A program that sends an idempotency key of its own with every POST."""

    def post(self, *args: Any, **kwargs: Any) -> Any:
        kwargs["headers"] = {"Idempotency-Key": uuid4().hex} | (kwargs.get("headers") or {})
        return super().post(*args, **kwargs)


def token_client(
    host: str, actor: UserActor, *, scopes: frozenset[str] | None = None, is_careful: bool = False
) -> APIClient:
    """A program with a token of somebody's, for all they may do unless `scopes` says less."""
    issued = create_api_token(actor=actor, name="Test", scopes=sorted(scopes or actor.codes))
    client = (CarefulClient if is_careful else APIClient)(headers={"host": host})
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {issued.token.reveal()}")
    return client
