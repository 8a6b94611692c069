"""What an application does with its client id and secret."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from integrations.sandbox.notion.oauth.clients import PublicClient
from integrations.sandbox.notion.sandbox import Sandbox
from tests.fakes.notion_sandbox import RunningSandbox
from tests.integrations.sandbox.notion import contract, sample
from tests.integrations.sandbox.notion.conftest import Caller, Reply
from tests.integrations.sandbox.notion.sample import ADA, BEN, Json, task_id
from tests.integrations.sandbox.notion.test_control import control

BACK = "https://product.example/oauth/notion/callback"


@pytest.fixture
def client(sandbox: Sandbox) -> PublicClient:
    return sandbox.oauth.register("client-1", "very-secret", name="Product", redirect_uris=[BACK])


class Application:
    """Speaks with the sandbox as an application's server does."""

    def __init__(
        self, running: RunningSandbox, client_id: str = "client-1", secret: str = "very-secret"
    ) -> None:
        self.base_url = running.base_url
        pair = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
        self.authorization = f"Basic {pair}"

    def post(self, name: str, **body: Any) -> Reply:
        caller = Caller(self.base_url, headers={"Authorization": self.authorization})
        status, headers, raw = caller.raw("POST", f"/v1/oauth/{name}", json.dumps(body).encode())
        reply = Reply(status, json.loads(raw), headers)
        if contract.is_available and status == 200:
            contract.assert_request_conforms(f"POST /v1/oauth/{name}", body)
            contract.assert_response_conforms(f"POST /v1/oauth/{name}", reply.body)
        return reply

    def exchange(self, location: str, **more: str) -> Reply:
        return self.post("token", grant_type="authorization_code", code=code_of(location), **more)

    def refresh(self, token: str) -> Reply:
        return self.post("token", grant_type="refresh_token", refresh_token=token)

    def status(self, token: str) -> int:
        return Caller(self.base_url, token).get("/v1/users/me").status


@pytest.fixture
def application(running: RunningSandbox, client: PublicClient) -> Application:
    return Application(running)


def code_of(location: str) -> str:
    return parse_qs(urlsplit(location).query)["code"][0]


def allowed(sandbox: Sandbox, as_user: str = ADA, **more: Any) -> str:
    return sandbox.oauth.allow("client-1", "Test Workspace", as_user, redirect_uri=BACK, **more)


def test_a_code_is_exchanged_once_for_a_pair_of_tokens(sandbox: Sandbox, application: Application) -> None:
    location = allowed(sandbox, state="s t/1")
    assert location.startswith(f"{BACK}?code=")
    assert parse_qs(urlsplit(location).query)["state"] == ["s t/1"]
    granted = application.exchange(location, redirect_uri=BACK)
    assert granted.status == 200
    assert granted.body["token_type"] == "bearer"
    assert (granted.body["workspace_id"], granted.body["workspace_name"]) == (
        sample.WORKSPACE,
        "Test Workspace",
    )
    assert granted.body["owner"]["user"]["id"] == ADA
    me = Caller(application.base_url, granted.body["access_token"]).get("/v1/users/me").body
    assert me["id"] == granted.body["bot_id"] != sample.BOT
    again = application.exchange(location, redirect_uri=BACK)
    assert (again.status, again.body["code"]) == (400, "invalid_grant")


def test_a_refresh_renews_both_tokens_and_the_old_ones_are_dead(
    sandbox: Sandbox, application: Application
) -> None:
    first = application.exchange(allowed(sandbox)).body
    second = application.refresh(first["refresh_token"]).body
    assert second["bot_id"] == first["bot_id"]
    assert not {first["access_token"], first["refresh_token"]} & {
        second["access_token"],
        second["refresh_token"],
    }
    assert application.status(first["access_token"]) == 401
    assert application.status(second["access_token"]) == 200
    dead = application.refresh(first["refresh_token"])
    assert (dead.status, dead.body["code"]) == (400, "invalid_grant")
    assert application.status(second["access_token"]) == 200


def test_a_workspace_has_one_bot_of_a_client_however_often_it_is_let_in(
    sandbox: Sandbox, application: Application
) -> None:
    first = application.exchange(allowed(sandbox)).body
    second = application.exchange(allowed(sandbox, BEN)).body
    assert first["bot_id"] == second["bot_id"]
    assert second["owner"]["user"]["id"] == BEN
    assert len(sandbox.workspace("Test Workspace").connections) == 2


def test_each_workspace_has_a_bot_of_its_own(sandbox: Sandbox, application: Application) -> None:
    line = sample.workspace_line(id=sample.an_id("other"), name="Other", tokens=["ntn_o"])
    sandbox.add_workspace(line, [sample.person(ADA, "Ada Sample")])
    bots = [
        application.exchange(sandbox.oauth.allow("client-1", name, ADA, redirect_uri=BACK)).body["bot_id"]
        for name in ("Test Workspace", "Other")
    ]
    assert len(set(bots)) == 2


def test_only_what_was_chosen_is_seen(sandbox: Sandbox, application: Application) -> None:
    token = application.exchange(allowed(sandbox, shared=[task_id(1)])).body["access_token"]
    seen = Caller(application.base_url, token)
    assert seen.get(f"/v1/pages/{task_id(1)}").status == 200
    assert seen.get(f"/v1/pages/{task_id(2)}").status == 404


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "authorization_code"}, "invalid_request"),
        ({"grant_type": "authorization_code", "code": 5}, "invalid_request"),
        ({"grant_type": "authorization_code", "code": "made-up"}, "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "made-up"}, "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "x", "scope": "all"}, "invalid_request"),
    ],
)
def test_a_bad_request_for_tokens_is_refused(application: Application, body: Json, code: str) -> None:
    refused = application.post("token", **body)
    assert (refused.status, refused.body["object"], refused.body["code"]) == (400, "error", code)


def test_another_address_than_the_one_returned_to_is_refused(
    sandbox: Sandbox, application: Application
) -> None:
    location = allowed(sandbox)
    assert (
        application.exchange(location, redirect_uri="https://thief.example/").body["code"] == "invalid_grant"
    )
    assert application.exchange(location, redirect_uri=BACK).status == 200


def test_an_old_code_is_refused(sandbox: Sandbox, application: Application) -> None:
    location = allowed(sandbox)
    sandbox.clock.advance(601)
    assert application.exchange(location).body["code"] == "invalid_grant"


@pytest.mark.parametrize(
    ("client_id", "secret"), [("client-1", "guess"), ("nobody", "very-secret"), ("", "")]
)
def test_a_wrong_client_is_refused(
    running: RunningSandbox, client: PublicClient, client_id: str, secret: str
) -> None:
    refused = Application(running, client_id, secret).post("token", grant_type="refresh_token")
    assert (refused.status, refused.body["code"]) == (401, "invalid_client")


def test_a_code_of_another_client_is_refused(
    sandbox: Sandbox, running: RunningSandbox, client: PublicClient
) -> None:
    sandbox.oauth.register("client-2", "other")
    other = Application(running, "client-2", "other")
    assert other.exchange(allowed(sandbox)).body["code"] == "invalid_grant"


def test_introspection_tells_tokens_in_force_from_others(sandbox: Sandbox, application: Application) -> None:
    pair = application.exchange(allowed(sandbox)).body
    known = application.post("introspect", token=pair["access_token"]).body
    assert known["active"] is True
    assert known["iat"] == int(sample.NOON.timestamp())
    assert application.post("introspect", token=sample.TOKEN).body["active"] is False


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_a_revoked_pair_is_dead(sandbox: Sandbox, application: Application, which: str) -> None:
    pair = application.exchange(allowed(sandbox)).body
    assert application.post("revoke", token=pair[which]).status == 200
    assert application.status(pair["access_token"]) == 401
    assert application.refresh(pair["refresh_token"]).body["code"] == "invalid_grant"
    assert application.post("introspect", token=pair["access_token"]).body["active"] is False
    assert application.post("revoke", token="never known").status == 200


def test_a_person_may_throw_the_integration_out_and_let_it_in_again(
    sandbox: Sandbox, application: Application
) -> None:
    pair = application.exchange(allowed(sandbox)).body
    sandbox.oauth.withdraw("client-1", "Test Workspace")
    assert application.status(pair["access_token"]) == 401
    assert application.refresh(pair["refresh_token"]).body["code"] == "invalid_grant"
    again = application.exchange(allowed(sandbox)).body
    assert again["bot_id"] == pair["bot_id"]
    assert application.status(again["access_token"]) == 200


def test_faults_fall_on_oauth_too_and_its_calls_are_counted(
    sandbox: Sandbox, application: Application
) -> None:
    pair = application.exchange(allowed(sandbox)).body
    sandbox.fault(operation="POST /v1/oauth/token", kind="commit_then_reset")
    with pytest.raises(OSError):
        application.refresh(pair["refresh_token"])
    # The pair was renewed all the same, and nobody knows the new one.
    assert application.refresh(pair["refresh_token"]).body["code"] == "invalid_grant"
    assert sandbox.report()["by_endpoint"]["POST /v1/oauth/token"] == 3


def test_pairs_and_clients_outlive_a_restart(tmp_path: Path) -> None:
    first = Sandbox(state=tmp_path)
    first.add_workspace(sample.workspace_line(), sample.frame_objects())
    client = first.oauth.register("client-1", "very-secret", redirect_uris=[BACK])
    connection = first.oauth.exchange(client, code_of(allowed(first)), None)
    assert connection is not None
    assert connection.refresh_token is not None
    first.close()
    second = Sandbox(state=tmp_path)
    assert second.oauth.client("client-1") == client
    assert second.connection_of(connection.tokens[0]) is not None
    assert second.oauth.refresh(client, connection.refresh_token) is not None
    second.close()


def test_over_the_control_paths(notion: Caller) -> None:
    made = control(notion, "oauth/clients", {"client_id": "c", "client_secret": "s", "redirect_uris": [BACK]})
    assert made["redirect_uris"] == [BACK]
    asked = {"client_id": "c", "workspace": sample.TOKEN, "as": ADA, "redirect_uri": BACK, "state": "x"}
    assert "code=" in control(notion, "oauth/allow", asked)["location"]
    denied = control(notion, "oauth/deny", {"client_id": "c", "redirect_uri": BACK, "state": "x"})
    assert denied["location"] == f"{BACK}?error=access_denied&state=x"
    assert control(notion, "oauth/withdraw", {"client_id": "c", "workspace": sample.TOKEN}) == {
        "withdrawn": "c"
    }
