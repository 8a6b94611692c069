"""Second factors in a real browser: a passkey made and shown on the company's own host, an app, the pages' looks."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, CDPSession, Page, expect

from tenants.accounts.mfa import totp
from tests.companies import OWNER_PASSWORD
from tests.journeys.accessibility import overflow, violations
from tests.journeys.conftest import Site, Watched, open_context, sign_in

HOME = "/settings/my-sign-in/"


@dataclass(frozen=True)
class Key:
    """A security key in the browser that says yes to everything."""

    session: CDPSession
    id: str

    def taken_out(self) -> list[dict[str, Any]]:
        """What is on it, for another key."""
        held = self.session.send("WebAuthn.getCredentials", {"authenticatorId": self.id})
        credentials: list[dict[str, Any]] = held["credentials"]
        return credentials


def plug_in(page: Page, credentials: Sequence[dict[str, Any]] = ()) -> Key:
    """Give the page a security key, with what another one held.

    The browser forgets the key when a form leads it to another page: without a new one it would wait for a real one.
    """
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    made = session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
                "hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True,
            }
        },
    )  # fmt: skip
    key = Key(session, made["authenticatorId"])
    for credential in credentials:
        session.send("WebAuthn.addCredential", {"authenticatorId": key.id, "credential": credential})
    return key


def test_a_passkey_is_made_and_signs_in_without_a_password(owner_page: Page) -> None:
    page = owner_page
    plug_in(page)
    page.goto(HOME)
    page.get_by_label("Name of the new passkey").fill("My laptop")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_text("The passkey My laptop is set up.")).to_be_visible()
    assert page.locator(".codes li").count() == 10
    assert violations(page) == []

    page.context.clear_cookies()
    page.goto("/account/sign-in/?next=/settings/preferences/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/settings/preferences/")


def test_a_passkey_is_shown_after_the_password(owner_page: Page, site: Site) -> None:
    page = owner_page
    page.goto(HOME)
    key = plug_in(page)
    page.get_by_label("Name of the new passkey").fill("My key")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_text("The passkey My key is set up.")).to_be_visible()
    held = key.taken_out()
    assert len(held) == 1

    page.context.clear_cookies()
    page.goto("/account/sign-in/?next=/settings/preferences/")
    page.get_by_label("E-mail").fill(site.owner_email)
    page.get_by_label("Password", exact=True).fill(OWNER_PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/account/sign-in/confirm/")
    assert violations(page) == []
    plug_in(page, held)
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url("**/settings/preferences/")


def test_an_app_is_set_up_and_asked_for(owner_page: Page, site: Site) -> None:
    page = owner_page
    page.goto(HOME)
    page.get_by_role("button", name="Set up an app").click()
    page.wait_for_url(f"**{HOME}app/")
    assert violations(page) == []
    assert page.locator(".qr svg path").count() == 1
    secret = page.locator("#app-secret").input_value().replace(" ", "")
    page.get_by_role("textbox", name="Code").fill(totp.code_at(secret, totp.counter_at(time.time())))
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_text("The app is set up.")).to_be_visible()
    page.context.clear_cookies()
    page.goto("/account/sign-in/")
    page.get_by_label("E-mail").fill(site.owner_email)
    page.get_by_label("Password", exact=True).fill(OWNER_PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    # The next step's code: the one of now was spent on setting the app up.
    page.get_by_role("textbox", name="Code").fill(totp.code_at(secret, totp.counter_at(time.time()) + 1))
    page.get_by_role("button", name="Confirm").click()
    page.wait_for_url(lambda url: "/account/" not in url)


@pytest.mark.parametrize("look", ["light", "dark"])
def test_the_pages_fit_and_are_accessible_on_a_phone_and_a_desk(
    browser: Browser, site: Site, watched: Watched, look: str
) -> None:
    for size in ({"width": 390, "height": 844}, {"width": 1440, "height": 900}):
        context = open_context(browser, site, viewport=size, color_scheme=look)
        page = context.new_page()
        watched.listen(page)
        sign_in(page, site.owner_email, OWNER_PASSWORD)
        for path in (HOME, "/settings/sign-in-rules/", "/settings/service-accounts/", "/account/prove/"):
            page.goto(path)
            assert violations(page) == [], path
            assert overflow(page) == 0, path
        context.close()
