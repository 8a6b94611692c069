"""A company gives itself a face: drafts it, sees it, publishes it; strangers see it before they sign in."""

import os
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.companies import OWNER_PASSWORD
from tests.journeys.accessibility import overflow, violations
from tests.journeys.conftest import Site, Watched, open_context, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("branding-pages")]

LOGO = b"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 40"><rect width="36" height="36" y="2" rx="9"
 fill="#0f766e"/><path d="M10 20h16M18 12v16" stroke="#fff" stroke-width="4"/><path d="M50 8h140v6H50zM50 20h110v6H50z"
 fill="#0f766e"/></svg>"""


def mark() -> bytes:
    made = BytesIO()
    Image.new("RGB", (300, 300), "#0f766e").save(made, "JPEG")
    return made.getvalue()


def pictured(page: Page, name: str) -> None:
    """Leave a picture where somebody asked for some."""
    folder = os.environ.get("SHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png")


def look(page: Page, name: str) -> list[str]:
    """What is wrong with a page in light and in dark."""
    wrong = []
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        page.reload()
        pictured(page, f"{name}-{theme}")
        wrong += [f"{name} {theme}: {each}" for each in violations(page)]
        if overflow(page) > 0:
            wrong.append(f"{name} {theme}: wider than its window")
    return wrong


def test_a_company_gives_itself_a_face(
    browser: Browser, site: Site, owner_page: Page, watched: Watched
) -> None:
    page = owner_page
    page.goto("/settings/branding/")
    wrong = look(page, "branding")
    page.emulate_media(color_scheme="light")

    # The preview follows what is typed; nothing is saved by it.
    page.get_by_label("Name", exact=True).fill("Halden Foods")
    page.get_by_label("Primary colour").fill("#ffd400")
    expect(page.locator("#brand-live").get_by_text("Sign in to Halden Foods").first).to_be_visible()
    expect(page.locator("#brand-live .ramp-button dd").first).to_have_text("13.0:1")
    page.get_by_label("Headline").fill("Every kitchen sees what is due.")
    page.get_by_label("Words below it").fill("Questions? Ask the programme office.")
    page.get_by_label("Imprint").fill("https://halden.example/imprint")
    for part in ("Console", "Portal", "E-mail"):
        page.locator(".brand-parts").get_by_text(part, exact=True).click()
        if part == "E-mail":
            letter = page.frame_locator("iframe.letter-frame")
            expect(letter.get_by_role("link", name="Accept the invitation")).to_be_visible()
            expect(letter.get_by_text("You are invited to Halden Foods").last).to_be_visible()
        else:
            expect(
                page.locator(f"#brand-live .window-{'side' if part == 'Console' else 'tint'}").first
            ).to_be_visible()
        pictured(page, f"branding-preview-{part}")
    page.get_by_role("button", name="Save as draft").click()
    expect(page.get_by_text("Not published")).to_be_visible()

    for label, slot, name, kind, content in (
        ("Logo", "light", "logo.svg", "image/svg+xml", LOGO),
        ("Mark", "mark", "mark.jpg", "image/jpeg", mark()),
    ):
        form = page.locator(f'form.brand-image[action$="/images/{slot}/"]')
        form.get_by_label(label, exact=True).set_input_files(
            {"name": name, "mimeType": kind, "buffer": content}
        )
        form.get_by_role("button", name="Upload").click()
        expect(form.locator("img")).to_be_visible()
    bad = page.locator('form.brand-image[action$="/images/dark/"]')
    script = b"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'><script>alert(1)</script></svg>"
    bad.locator("input[type=file]").set_input_files(
        {"name": "evil.svg", "mimeType": "image/svg+xml", "buffer": script}
    )
    bad.get_by_role("button", name="Upload").click()
    expect(page.get_by_text("A logo may hold no scripts.")).to_be_visible()
    pictured(page, "branding-refused")

    with open_context(browser, site, viewport={"width": 1440, "height": 900}) as theirs:
        stranger = theirs.new_page()
        watched.listen(stranger)
        stranger.goto("/account/sign-in/")
        expect(stranger.locator(".logo img")).to_have_count(0)  # a draft is nobody else's business
        page.goto("/settings/branding/")
        page.get_by_role("button", name="Save and publish").click()
        expect(page.get_by_text("Not published")).to_have_count(0)
        wrong += look(page, "branding-published")
        stranger.goto("/account/sign-in/")
        expect(stranger.get_by_role("heading", name="Sign in to Halden Foods")).to_be_visible()
        expect(stranger.get_by_role("img", name="Halden Foods")).to_be_visible()
        expect(stranger.get_by_role("link", name="Imprint")).to_be_visible()
        expect(stranger.get_by_text("Every kitchen sees what is due.")).to_be_visible()
        wrong += look(stranger, "sign-in")
    with open_context(browser, site, viewport={"width": 390, "height": 844}) as phone:
        small = phone.new_page()
        watched.listen(small)
        small.goto("/account/sign-in/")
        wrong += look(small, "phone-sign-in")
        sign_in(small, site.owner_email, OWNER_PASSWORD)
        for path, name in (
            ("/settings/branding/", "phone-branding"),
            ("/settings/branding/letters/", "phone-letters"),
            ("/settings/branding/letters/invitation/", "phone-letter"),
        ):
            small.goto(path)
            wrong += look(small, name)
    assert not wrong, "\n".join(wrong)


def test_a_letter_gets_the_companys_own_words(owner_page: Page) -> None:
    page = owner_page
    page.goto("/settings/branding/letters/")
    wrong = look(page, "letters")
    page.get_by_role("link", name="Invitation").click()
    wrong += look(page, "letter")
    frame = page.frame_locator("iframe.letter-frame")
    expect(frame.get_by_role("link", name="Accept the invitation")).to_be_visible()
    page.get_by_label("Subject").fill("Come in, {{ name }}")
    page.get_by_label("Text").fill("Without a link")
    page.get_by_role("button", name="Preview", exact=True).click()
    expect(frame.get_by_text("This letter cannot be sent like this:")).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Without {{ link }} this letter is of no use: put it back.")).to_be_visible()
    page.get_by_label("Text").fill("This way, {{ name }}:\n\n{{ link }}")
    page.get_by_role("button", name="Preview", exact=True).click()
    expect(frame.get_by_text("This way, Ada Example:").last).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Your own words")).to_be_visible()
    page.get_by_role("button", name="Send me a test letter").click()
    expect(page.get_by_text("On its way to")).to_be_visible()
    page.get_by_role("button", name="Take the product's words again").click()
    expect(page.get_by_text("Your own words")).to_have_count(0)
    assert not wrong, "\n".join(wrong)
