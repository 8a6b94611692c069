"""What a directory's first delivery costs: 1,000 people one by one and in bulk, and a group of a thousand members.

Whole requests through Django's test client (middleware, key, rate limit, JSON, events), one after the other in one
process; statements are counted around single requests. The rate a directory is held to is lifted for the measurement.
"""

import json
import os
import time
from collections.abc import Callable
from typing import Any
from unittest import mock

from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext, override_settings

from benchmarks.results import milliseconds, percentile, save
from tenants.accounts.access import SYSTEM
from tenants.accounts.models import EmailDomain
from tenants.accounts.scim import tokens
from tenants.accounts.scim.directories import create_directory
from tenants.accounts.scim.tokens import issue_scim_token
from tenants.accounts.selectors import actor_for, owners
from tenants.tenancy import atomic, tenant_scope
from tenants.tenancy.addresses import canonical_host
from tenants.tenancy.preparing import prepare
from tenants.tenancy.transactions import current_alias
from tests.companies import create_company, drop_company

PEOPLE, BULK_OF = 1_000, 100
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"


def user(name: str) -> dict[str, Any]:
    """A person as most directories send them."""
    return {
        "schemas": [USER], "userName": f"{name}@people.example", "externalId": name, "active": True,
        "name": {"givenName": name.title(), "familyName": "Made-Up"},
        "emails": [{"value": f"{name}@people.example", "type": "work", "primary": True}],
    }  # fmt: skip


class Directory:
    """Speaks SCIM to one company."""

    def __init__(self, host: str, token: str) -> None:
        self._client = Client(headers={"host": host, "authorization": f"Bearer {token}"})

    def send(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send a message. Raises: RuntimeError when it is refused."""
        data = "" if body is None else json.dumps(body)
        answer = self._client.generic(
            method, f"/scim/v2{path}", data, content_type="application/scim+json", secure=False
        )
        if answer.status_code >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.content[:300]!r}")
        found: dict[str, Any] = json.loads(answer.content) if answer.content else {}
        return found


def counted(alias: str, call: Callable[[], object]) -> tuple[int, float]:
    """(statements in the company's database, seconds) of one call."""
    started = time.perf_counter()
    with CaptureQueriesContext(connections[alias]) as seen:
        call()
    return len(seen), time.perf_counter() - started


def main() -> None:
    prepare()
    company = create_company(f"bench-scim-{os.getpid()}")
    try:
        with override_settings(ALLOWED_HOSTS=["*"]), mock.patch.object(tokens, "spend"):
            with tenant_scope(company.ref), atomic():
                alias = current_alias()
                owner = owners().select_related("user").get().user
                assert owner is not None
                EmailDomain.objects.create(
                    domain="people.example", nonce="n", state=EmailDomain.State.VERIFIED
                )
                directory = create_directory(actor=SYSTEM, name="Bench")
                token = issue_scim_token(directory=directory, actor=actor_for(owner)).token.reveal()
                host = canonical_host()
            figures = measured(Directory(host, token), alias)
    finally:
        drop_company(company)
    save("scim", (__doc__ or "").strip(), figures)
    print(json.dumps(figures, indent=2))


def measured(directory: Directory, alias: str) -> dict[str, Any]:
    """The figures of one delivery."""
    directory.send("POST", "/Users", user("warm"))
    seconds: list[float] = []
    ids: list[str] = []
    for number in range(PEOPLE):
        started = time.perf_counter()
        ids.append(directory.send("POST", "/Users", user(f"p{number}"))["id"])
        seconds.append(time.perf_counter() - started)
    started = time.perf_counter()
    for first in range(0, PEOPLE, BULK_OF):
        operations = [
            {"method": "POST", "path": "/Users", "bulkId": f"b{number}", "data": user(f"b{number}")}
            for number in range(first, first + BULK_OF)
        ]
        directory.send("POST", "/Bulk", {"schemas": [BULK], "Operations": operations})
    bulk_seconds = time.perf_counter() - started
    started = time.perf_counter()
    members = [{"value": each} for each in ids]
    group = directory.send(
        "POST", "/Groups", {"schemas": [GROUP], "displayName": "Everybody", "members": members}
    )
    group_seconds = time.perf_counter() - started
    extra = directory.send("POST", "/Users", user("extra"))["id"]
    single: dict[str, dict[str, float]] = {}
    for name, call in {
        "POST a person": lambda: directory.send("POST", "/Users", user("one-more")),
        "GET a person": lambda: directory.send("GET", f"/Users/{ids[0]}"),
        "GET 100 people": lambda: directory.send("GET", "/Users?count=100"),
        "GET by userName": lambda: directory.send("GET", '/Users?filter=userName eq "p7@people.example"'),
        "PATCH active": lambda: directory.send(
            "PATCH", f"/Users/{ids[1]}",
            {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "active", "value": False}]},
        ),
        "PATCH one member into a thousand": lambda: directory.send(
            "PATCH", f"/Groups/{group['id']}?excludedAttributes=members",
            {"schemas": [PATCH], "Operations": [{"op": "add", "path": "members", "value": [{"value": extra}]}]},
        ),
    }.items():  # fmt: skip
        statements, took = counted(alias, call)
        single[name] = {"statements": statements, "ms": milliseconds(took)}
    return {
        "people_one_by_one": {
            "requests": PEOPLE,
            "per_second": round(PEOPLE / sum(seconds), 1),
            "p50_ms": milliseconds(percentile(seconds, 0.5)),
            "p95_ms": milliseconds(percentile(seconds, 0.95)),
        },
        "people_in_bulk": {"of": BULK_OF, "per_second": round(PEOPLE / bulk_seconds, 1)},
        "group_of_a_thousand_seconds": round(group_seconds, 3),
        "single": single,
    }
