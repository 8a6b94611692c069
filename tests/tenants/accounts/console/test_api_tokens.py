"""The page of tokens: shown once, revoked for good."""

import re
from typing import Any

from django.test import Client
from rest_framework.test import APIClient

from tenants.accounts.access import UserActor
from tenants.accounts.models import ApiToken

TOKENS = "/settings/api-tokens/"


def make(client: Client, **changes: Any) -> Any:
    return client.post(TOKENS, {"name": "Script", "days": "30", "scopes": ["accounts.view_users"], **changes})


def test_a_token_is_shown_once_and_works(console: Client, host: str) -> None:
    answer = make(console)
    found = re.search(r'value="(nts_live_[^"]+)"', answer.content.decode())
    assert found is not None
    token = found[1]
    assert token not in console.get(TOKENS).content.decode()
    program = APIClient(headers={"host": host})
    program.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    assert program.get("/api/v1/me/").json()["permissions"] == ["accounts.view_users"]
    console.post(f"{TOKENS}{ApiToken.objects.get().pk}/revoke/")
    assert program.get("/api/v1/me/").status_code == 401


def test_only_what_one_holds_is_offered_and_accepted(login_as: Any, member: UserActor) -> None:
    client = login_as(member)
    assert b"accounts.invite_users" not in client.get(TOKENS).content
    assert make(client, scopes=["accounts.invite_users"]).status_code == 422
    assert not ApiToken.objects.exists()


def test_wrong_values_are_refused_in_place(console: Client) -> None:
    wrong: list[dict[str, Any]] = [{"name": ""}, {"scopes": []}, {"days": "100000"}]
    for changes in wrong:
        answer = make(console, **changes)
        assert answer.status_code == 422
        assert b"The token was not made" in answer.content


def test_the_token_of_somebody_else_is_not_found(login_as: Any, member: UserActor, console: Client) -> None:
    make(console)
    path = f"{TOKENS}{ApiToken.objects.get().pk}/revoke/"
    assert login_as(member).post(path).status_code == 404
    assert ApiToken.objects.get().revoked_at is None
