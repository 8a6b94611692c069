"""The page on which a person decides."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from integrations.sandbox.notion.sandbox import Sandbox
from tests.fakes.notion_sandbox import RunningSandbox
from tests.integrations.sandbox.notion import sample
from tests.integrations.sandbox.notion.conftest import Caller
from tests.integrations.sandbox.notion.sample import ADA, HOME

BACK = "http://127.0.0.1:8000/oauth/back?lang=en"
ASKED = {"client_id": "c", "redirect_uri": BACK, "response_type": "code", "owner": "user", "state": 'a"<b>'}


@pytest.fixture
def browser(running: RunningSandbox, sandbox: Sandbox) -> Caller:
    sandbox.oauth.register("c", "s", name="Product & Co", redirect_uris=[BACK])
    return Caller(running.base_url, headers={"Content-Type": "application/x-www-form-urlencoded"})


def hidden(page: str) -> dict[str, str]:
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page)
    return {name: unescape(value) for name, value in found}


def decide(browser: Caller, **form: object) -> tuple[int, dict[str, str], bytes]:
    return browser.raw("POST", "/v1/oauth/authorize", urlencode(form, doseq=True).encode())


def test_the_page_names_the_application_and_carries_what_was_asked(browser: Caller) -> None:
    status, headers, raw = browser.raw("GET", f"/v1/oauth/authorize?{urlencode(ASKED)}")
    page = raw.decode()
    assert status == 200
    assert headers["content-type"].startswith("text/html")
    assert "Product &amp; Co" in page
    assert "Ada Sample in Test Workspace" in page
    assert hidden(page) == {key: ASKED[key] for key in ("client_id", "redirect_uri", "state")}


def test_allowing_sends_back_with_a_code_that_works(browser: Caller, sandbox: Sandbox) -> None:
    form = hidden(browser.raw("GET", f"/v1/oauth/authorize?{urlencode(ASKED)}")[2].decode())
    person = f"{sample.WORKSPACE}/{ADA}"
    status, headers, _ = decide(browser, **form, person=person, decision="allow", shared=[HOME])
    assert status == 302
    sent = parse_qs(urlsplit(headers["location"]).query)
    assert (sent["lang"], sent["state"]) == (["en"], [ASKED["state"]])
    connection = sandbox.oauth.exchange(sandbox.oauth.client("c"), sent["code"][0], BACK)
    assert connection is not None
    assert connection.shared == {HOME}


@pytest.mark.parametrize("decision", ["deny", "", "maybe"])
def test_refusing_sends_back_with_an_error(browser: Caller, decision: str) -> None:
    status, headers, _ = decide(browser, client_id="c", redirect_uri=BACK, state="x", decision=decision)
    assert (status, headers["location"]) == (302, f"{BACK}&error=access_denied&state=x")


@pytest.mark.parametrize(
    "wrong",
    [{"client_id": "nobody"}, {"redirect_uri": "https://thief.example/"}, {"response_type": "token"},
     {"redirect_uri": "javascript:alert(1)"}],
)  # fmt: skip
def test_nobody_is_sent_to_an_address_that_is_not_registered(browser: Caller, wrong: dict[str, str]) -> None:
    status, headers, _ = browser.raw("GET", f"/v1/oauth/authorize?{urlencode(ASKED | wrong)}")
    assert status == 400
    assert "location" not in headers


def test_a_person_nobody_knows_is_refused(browser: Caller) -> None:
    form = {"client_id": "c", "redirect_uri": BACK, "decision": "allow", "person": "x/y"}
    assert decide(browser, **form)[0] == 400
