"""The pages of the brand, without scripts."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tenants.accounts.access import UserActor
from tenants.branding.models import Brand, LetterText
from tenants.branding.selectors import brand_in_work
from tenants.lifecycle.export.stored_files import delete_stored_files
from tenants.tenancy import TenantRef, tenant_scope
from tests.people import signed_in_client
from tests.tenants.branding.pictures import PLAIN_SVG, svg

PAGE = "/settings/branding/"
LETTER = "/settings/branding/letters/invitation/"
FORM = {
    "version": "0", "name": "Halden Foods", "color": "#ffd400", "headline": "Hello", "words": "", "sender_name": "",
    "reply_to": "", "imprint_url": "https://halden.example/imprint", "privacy_url": "", "terms_url": "",
    "support_url": "",
}  # fmt: skip


@pytest.fixture
def page(host: str, admin: UserActor, tenant: TenantRef) -> Iterator[Client]:
    yield signed_in_client(host, admin)
    delete_stored_files(tenant)


def test_a_preview_shows_what_was_typed_and_saves_nothing(page: Client) -> None:
    answer = page.post(PAGE, FORM | {"do": "preview"})
    assert answer.status_code == 200
    assert "Sign in to Halden Foods" in answer.text
    assert "13.0:1" in answer.text
    assert "preview.css?color=ffd400" in answer.text
    part = page.post(f"{PAGE}preview/", FORM, headers={"HX-Request": "true"})
    assert "Sign in to Halden Foods" in part.text
    assert "<html" not in part.text
    assert not Brand.objects.exists()


def test_a_colour_of_the_row_is_tried_by_its_button(page: Client) -> None:
    answer = page.post(PAGE, FORM | {"swatch": "#e11d48"})
    assert "preview.css?color=e11d48" in answer.text
    assert not Brand.objects.exists()


def test_each_part_can_be_looked_at(page: Client) -> None:
    for part, shows in (("console", "3 tasks are due today"), ("portal", "Approvals waiting for you"),
                        ("email", "letter-frame"), ("nonsense", "Sign in to Halden Foods")):  # fmt: skip
        assert shows in page.post(f"{PAGE}preview/", FORM | {"part": part}).text


def test_what_will_not_do_is_said_beside_its_field_and_the_rest_is_still_there(page: Client) -> None:
    answer = page.post(PAGE, FORM | {"color": "yellow", "imprint_url": "javascript:alert(1)", "do": "save"})
    assert answer.status_code == 422
    assert "Write a colour like #5b5bd6." in answer.text
    assert "Write a whole address that begins with https://." in answer.text
    assert 'value="Halden Foods"' in answer.text
    assert not Brand.objects.exists()


def test_a_draft_is_saved_published_and_a_new_one_discarded(page: Client, admin: UserActor) -> None:
    assert page.post(PAGE, FORM | {"do": "save"}).status_code == 302
    assert "Not published" in page.get(PAGE).text
    version = str(brand_in_work(actor=admin).version)
    assert page.post(PAGE, FORM | {"do": "publish", "version": version}).status_code == 302
    now = brand_in_work(actor=admin)
    assert (now.draft, now.published.name) == (None, "Halden Foods")
    page.post(PAGE, FORM | {"do": "save", "headline": "Other", "version": str(now.version)})
    version = str(brand_in_work(actor=admin).version)
    assert page.post(PAGE, {"do": "discard", "version": version}).status_code == 302
    assert brand_in_work(actor=admin).draft is None


def test_who_saves_over_somebody_elses_work_is_told(page: Client, admin: UserActor) -> None:
    page.post(PAGE, FORM | {"do": "save"})
    answer = page.post(PAGE, FORM | {"do": "save", "headline": "Mine"})
    assert answer.status_code == 422
    assert "meanwhile. Nothing was saved" in answer.text
    answer = page.post(PAGE, {"do": "discard", "version": "0"})
    assert answer.status_code == 422
    assert brand_in_work(actor=admin).newest.headline == "Hello"


def upload(page: Client, content: bytes, name: str = "logo.svg", slot: str = "light") -> Any:
    return page.post(f"{PAGE}images/{slot}/", {"image": SimpleUploadedFile(name, content)})


def test_a_logo_is_uploaded_served_and_taken_out(
    page: Client, admin: UserActor, other_tenant: TenantRef
) -> None:
    assert upload(page, PLAIN_SVG).status_code == 302
    digest = brand_in_work(actor=admin).newest.images["light"].digest
    stranger = Client(headers={"host": page.defaults["HTTP_HOST"]})
    answer = stranger.get(f"/brand/{digest}/full.png")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.content.startswith(b"\x89PNG")
    elsewhere = Client(headers={"host": f"{other_tenant.slug}.localhost"})
    assert elsewhere.get(f"/brand/{digest}/full.png").status_code == 404
    assert stranger.get(f"/brand/{digest}/original.png").status_code == 404
    assert stranger.get(f"/brand/{'0' * 64}/full.png").status_code == 404
    assert page.post(f"{PAGE}images/light/", {"do": "remove"}).status_code == 302
    assert brand_in_work(actor=admin).newest.images == {}


def test_a_bad_image_is_refused_in_words_and_the_old_one_stays(page: Client, admin: UserActor) -> None:
    upload(page, PLAIN_SVG)
    before = brand_in_work(actor=admin)
    for content, says in (
        (svg("<script>alert(1)</script>"), "A logo may hold no scripts."),
        (b"x" * 1_100_000, "At most 1 MB."),
        (b"hello", "Only PNG, JPEG, WebP and SVG can be used."),
    ):
        answer = upload(page, content)
        assert answer.status_code == 422
        assert says in answer.text
    nothing = page.post(f"{PAGE}images/light/", {})
    assert "Choose a file first." in nothing.text
    assert upload(page, PLAIN_SVG, slot="background").status_code == 422
    assert brand_in_work(actor=admin) == before


def test_what_is_published_is_shown_before_anybody_signs_in(
    page: Client, admin: UserActor, tenant: TenantRef,
    django_capture_on_commit_callbacks: Callable[..., AbstractContextManager[Any]],
) -> None:  # fmt: skip
    upload(page, PLAIN_SVG)
    upload(page, PLAIN_SVG, slot="favicon")
    version = str(brand_in_work(actor=admin).version)
    with (
        django_capture_on_commit_callbacks(using=tenant.cell, execute=True),
        django_capture_on_commit_callbacks(using="default", execute=True),
    ):
        page.post(PAGE, FORM | {"do": "publish", "version": version})
    stranger = Client(headers={"host": page.defaults["HTTP_HOST"]})
    for path in ("/account/sign-in/", "/account/password/reset/", "/no/such/page/"):
        text = stranger.get(path, follow=True).text
        assert 'alt="Halden Foods"' in text
        assert "https://halden.example/imprint" in text
        assert "Hello" in text
        assert 'name="theme-color"' in text
        assert "apple-touch-icon" in text
        assert "Notion Task Sync" not in text
        assert "Halden Foods</title>" in text


def test_the_styles_of_a_tried_colour_hold_tokens_only(page: Client) -> None:
    answer = page.get(f"{PAGE}preview.css?color=ffd400")
    assert answer.text.startswith("@layer tenant{.brand-preview{--brand:light-dark(#ffd400,")
    assert page.get(f"{PAGE}preview.css?color=red;}}*{{").status_code == 422


def test_a_letter_is_shown_in_a_frame_in_which_nothing_runs(page: Client) -> None:
    answer = page.get(f"{LETTER}preview/?color=ffd400&name=Halden")
    policy = answer.headers["Content-Security-Policy"]
    assert "script-src" not in policy
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "frame-ancestors 'self'" in policy
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert "background-color:#ffd400" in answer.text
    assert "You are invited to Halden." in answer.text
    assert "<script" not in answer.text
    around = page.get(LETTER)
    assert "frame-src 'self'" in around.headers["Content-Security-Policy"]
    assert "script-src 'self';" in around.headers["Content-Security-Policy"]


def test_words_are_previewed_saved_refused_and_taken_back(page: Client) -> None:
    tried = {"subject": "Come in", "body": "<b>This way</b>: {{ link }}", "language": "en"}
    preview = page.post(f"{LETTER}preview/", tried)
    assert "&lt;b&gt;This way&lt;/b&gt;" in preview.text
    assert page.post(f"{LETTER}preview/", tried | {"body": "{{ password }}"}).status_code == 422
    assert not LetterText.objects.exists()
    refused = page.post(LETTER, tried | {"body": "No link"})
    assert refused.status_code == 422
    assert "of no use: put it back" in refused.text
    assert page.post(LETTER, tried).status_code == 302
    assert LetterText.objects.get().subject == "Come in"
    assert "Your own" in page.get("/settings/branding/letters/?language=en").text
    assert page.post(LETTER, {"do": "reset", "language": "en"}).status_code == 302
    assert not LetterText.objects.exists()


def test_a_letter_to_try_goes_to_whoever_asks_for_it(page: Client, admin: UserActor) -> None:
    assert page.post(f"{LETTER}test/", {"language": "en"}).status_code == 302
    (letter,) = mail.outbox
    assert letter.to == [admin.user.email]


@pytest.mark.parametrize("kind", ["signup_code", "deletion_asked", "nonsense"])
def test_the_platforms_letters_are_not_the_companys_to_write(page: Client, kind: str) -> None:
    for path in (f"/settings/branding/letters/{kind}/", f"/settings/branding/letters/{kind}/preview/"):
        assert page.get(path).status_code == 404
    assert page.post(f"/settings/branding/letters/{kind}/", {"subject": "a", "body": "b"}).status_code == 404


def test_a_member_sees_none_of_it(host: str, member: UserActor, tenant: TenantRef) -> None:
    client = signed_in_client(host, member)
    for path in (
        PAGE,
        "/settings/branding/letters/",
        LETTER,
        f"{LETTER}preview/",
        f"{PAGE}preview.css?color=ffd400",
    ):
        assert client.get(path).status_code == 403
    with tenant_scope(tenant):
        assert not Brand.objects.exists()
