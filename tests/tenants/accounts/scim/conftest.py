"""A directory with its key, and a client that speaks SCIM as one."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from tenants.accounts.access import Role, UserActor
from tenants.accounts.models import EmailDomain, ScimDirectory
from tenants.accounts.scim.directories import create_directory
from tenants.accounts.scim.tokens import issue_scim_token
from tenants.tenancy import TenantRef
from tenants.tenancy.addresses import canonical_host
from tests.people import person

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


@dataclass
class ScimClient:
    """Sends SCIM messages with a directory's key."""

    client: Client
    token: str

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Send a message; a text goes as it is."""
        data = body if isinstance(body, str | bytes) else json.dumps(body) if body is not None else ""
        kind = headers.pop("content_type", "application/scim+json")
        return self.client.generic(
            method,
            f"/scim/v2{path}",
            data,
            content_type=kind,
            headers={"Authorization": f"Bearer {self.token}"}
            | {k.replace("_", "-"): v for k, v in headers.items()},
        )

    def get(self, path: str, **headers: str) -> Any:
        """Ask."""
        return self.send("GET", path, **headers)

    def post(self, path: str, body: Any, **headers: str) -> Any:
        """Make."""
        return self.send("POST", path, body, **headers)

    def patch(self, path: str, *operations: Any, **headers: str) -> Any:
        """Change."""
        return self.send("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)}, **headers)

    def user(self, name: str, **values: Any) -> Any:
        """Make a person and return their resource."""
        answer = self.post("/Users", user_body(name, **values))
        assert answer.status_code == 201, answer.content
        return answer.json()

    def group(self, name: str, *members: str, **values: Any) -> Any:
        """Make a group and return its resource."""
        body = {"schemas": [GROUP], "displayName": name, "members": [{"value": each} for each in members]}
        answer = self.post("/Groups", body | values)
        assert answer.status_code == 201, answer.content
        return answer.json()


def user_body(name: str, **values: Any) -> dict[str, Any]:
    """A person as most directories send them."""
    return {
        "schemas": [USER],
        "userName": f"{name}@people.example",
        "name": {"givenName": name.title(), "familyName": "Made-Up"},
        "emails": [{"value": f"{name}@people.example", "type": "work", "primary": True}],
        "active": True,
    } | values


@pytest.fixture
def admin(tenant: TenantRef) -> UserActor:
    """Somebody who sets directories up."""
    return person(tenant, Role.ADMIN, "Ada Admin-Example")


@pytest.fixture
def verified_domain(tenant: TenantRef) -> EmailDomain:
    """An e-mail domain the company has proved."""
    return EmailDomain.objects.create(domain="people.example", nonce="n", state=EmailDomain.State.VERIFIED)


@pytest.fixture
def directory(admin: UserActor, verified_domain: EmailDomain) -> ScimDirectory:
    """A directory."""
    return create_directory(actor=admin, name="Example Directory")


@pytest.fixture
def scim(directory: ScimDirectory, admin: UserActor) -> ScimClient:
    """The directory at work."""
    token = issue_scim_token(directory=directory, actor=admin).token.reveal()
    return ScimClient(Client(headers={"host": canonical_host()}), token)
