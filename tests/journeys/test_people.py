"""Somebody is invited, comes in, gets a role and makes a token, all in the browser."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.conftest import Site, Watched, open_context, sign_in

pytestmark = pytest.mark.browser
PASSWORD = "an entirely invented pass phrase"


def test_from_an_invitation_to_a_token(
    owner_page: Page, browser: Browser, site: Site, watched: Watched
) -> None:
    owner_page.goto("/settings/users/")
    owner_page.get_by_role("button", name="Invite").click()
    owner_page.get_by_label("E-mail").fill("ina@example.com")
    owner_page.get_by_role("button", name="Make the link").click()
    link = owner_page.get_by_label("Invitation link").input_value()

    window = open_context(browser, site)
    newcomer = window.new_page()
    watched.listen(newcomer)
    newcomer.goto(link)
    newcomer.get_by_label("Your name").fill("Ina Invited-Example")
    newcomer.get_by_label("Password").fill(PASSWORD)
    newcomer.get_by_role("button", name="Set the password and sign in").click()
    newcomer.wait_for_url(f"{site.url}/**")

    owner_page.goto("/settings/users/")
    owner_page.get_by_role("button", name="Actions for Ina Invited-Example").click()
    owner_page.get_by_role("button", name="Manager").click()
    expect(owner_page.get_by_role("row", name="Ina Invited-Example")).to_contain_text("Manager")

    sign_in(newcomer, "ina@example.com", PASSWORD)  # another role ends the sign-ins there are
    newcomer.goto("/settings/api-tokens/")
    newcomer.get_by_role("button", name="New token").first.click()
    newcomer.get_by_label("Name", exact=True).fill("Script")
    newcomer.get_by_label("See who is in the company").check()
    newcomer.get_by_role("button", name="Make the token").click()
    assert newcomer.get_by_label("Token", exact=True).input_value().startswith("nts_")

    owner_page.get_by_role("button", name="Actions for Ina Invited-Example").click()
    owner_page.get_by_role("button", name="Deactivate").click()
    expect(owner_page.get_by_role("row", name="Ina Invited-Example")).to_contain_text("Deactivated")
    newcomer.goto("/settings/preferences/")
    expect(newcomer).to_have_url(f"{site.url}/account/sign-in/?next=/settings/preferences/")
    window.close()
