"""Entra ID and Okta as they write: their requests one after the other, from their public descriptions."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tenants.accounts.models import GroupMembership, ScimDirectory, SsoLogEntry, User
from tests.tenants.accounts.scim.conftest import ScimClient

SHAPES = Path(__file__).with_name("shapes")


@pytest.mark.parametrize("vendor", ["entra", "okta"])
def test_a_vendors_round_is_understood(vendor: str, scim: ScimClient, directory: ScimDirectory) -> None:
    ids: dict[str, str] = {}

    def filled(value: Any) -> Any:
        text = json.dumps(value)
        for name, number in ids.items():
            text = text.replace(f"{{{name}}}", number)
        return json.loads(text)

    for step in json.loads((SHAPES / f"{vendor}.json").read_text()):
        body = filled(step["body"]) if "body" in step else None
        answer = scim.send(step["method"], filled(step["path"]), body)
        assert answer.status_code == step["status"], (step["what"], answer.content)
        found = answer.json() if answer.content else {}
        if "keep" in step:
            ids[step["keep"]] = found["id"]
        assert {name: found.get(name) for name in step.get("has", {})} == step.get("has", {}), step["what"]
        if "size" in step:
            assert GroupMembership.objects.filter(group=UUID(ids["group"])).count() == step["size"], step[
                "what"
            ]
        if "email" in step:
            assert User.objects.filter(email=step["email"]).exists(), step["what"]
    assert not SsoLogEntry.objects.filter(event__startswith="scim.", outcome="refused").exists()
