"""`/api/v1/branding/` as a program sees it."""

from collections.abc import Iterator

import pytest
from rest_framework.test import APIClient

from tenants.accounts.access import UserActor
from tenants.branding.models import Brand, LetterText
from tenants.lifecycle.export.stored_files import delete_stored_files
from tenants.tenancy import TenantRef
from tests.people import token_client
from tests.tenants.branding.pictures import PLAIN_SVG, picture, svg

ADDRESS = "/api/v1/branding/"
LETTER = f"{ADDRESS}letters/invitation/"
WORDS = {"subject": "Come in, {{ name }}", "body": "This is the way:\n\n{{ link }}"}


@pytest.fixture
def program(host: str, admin: UserActor, tenant: TenantRef) -> Iterator[APIClient]:
    yield token_client(host, admin, scopes=frozenset({"branding.manage"}))
    delete_stored_files(tenant)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"color": "yellow"}, "color"), ({"name": "A\u202eB"}, "name"),
        ({"imprint_url": "javascript:alert(1)"}, "imprint_url"),
        ({"reply_to": "boss@bank.example"}, "reply_to"), ({"css": "body{}"}, "css"), ({"name": 7}, "name"),
        ({"sender_name": "A\r\nBcc: b@c.example"}, "sender_name"),
    ],
    ids=["colour", "direction", "script", "somebody else's", "style sheet", "number", "header"],
)  # fmt: skip
def test_what_will_not_do_is_a_problem_with_its_field(
    program: APIClient, change: dict[str, object], field: str
) -> None:
    answer = program.patch(ADDRESS, change)
    assert answer.status_code == 422
    assert field in str(answer.json())
    assert not Brand.objects.exists()


def test_a_brand_is_drafted_and_published_with_its_etag(program: APIClient) -> None:
    first = program.get(ADDRESS)
    assert first.json()["draft"] is None
    drafted = program.patch(ADDRESS, {"color": "#ffd400"}, headers={"If-Match": first.headers["ETag"]})
    assert drafted.status_code == 200
    assert drafted.json()["draft"]["color"] == "#ffd400"
    assert drafted.json()["published"]["color"] != "#ffd400"
    late = program.patch(ADDRESS, {"color": "#111111"}, headers={"If-Match": first.headers["ETag"]})
    assert late.status_code == 409
    assert late.json()["code"] == "conflict.brand_changed"
    assert program.patch(ADDRESS, {}, headers={"If-Match": "what"}).status_code == 422
    assert all(each["ratio"] >= each["needed"] for each in drafted.json()["contrast"])
    published = program.post(f"{ADDRESS}publish/")
    assert published.status_code == 200
    assert published.json()["published"]["color"] == "#ffd400"
    assert program.post(f"{ADDRESS}publish/").status_code == 409
    program.patch(ADDRESS, {"headline": "Hello"})
    assert program.delete(f"{ADDRESS}draft/").json()["draft"] is None


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        (PLAIN_SVG, "image/svg+xml", 200), (picture("JPEG"), "image/jpeg", 200), (picture("WEBP"), "image/webp", 200),
        (picture("JPEG"), "image/png", 422), (svg("<script/>"), "image/svg+xml", 422), (b"", "image/png", 422),
        (b"x" * 1_200_000, "image/png", 413), (b"{}", "application/json", 422), (b"a=b", "text/plain", 415),
    ],
    ids=["svg", "jpeg", "webp", "wrong type", "script", "empty", "too large", "json", "text"],
)  # fmt: skip
def test_an_image_is_the_body_of_the_request(
    program: APIClient, content: bytes, media_type: str, status: int
) -> None:
    answer = program.put(f"{ADDRESS}logos/light/", content, content_type=media_type)
    assert answer.status_code == status, answer.content
    if status == 200:
        (image,) = answer.json()["draft"]["images"]
        assert image["slot"] == "light"
        assert image["url"].endswith("/full.png")
        assert program.delete(f"{ADDRESS}logos/light/").json()["draft"]["images"] == []
    else:
        assert not Brand.objects.exists()


def test_there_are_four_slots(program: APIClient) -> None:
    assert program.put(f"{ADDRESS}logos/banner/", PLAIN_SVG, content_type="image/svg+xml").status_code == 404
    assert program.delete(f"{ADDRESS}logos/banner/").status_code == 404


def test_letters_are_listed_written_looked_at_and_given_back(program: APIClient) -> None:
    kinds = {each["kind"] for each in program.get(f"{ADDRESS}letters/").json()}
    assert {"invitation", "password_reset"} <= kinds
    assert not {"signup_code", "deletion_asked"} & kinds
    looked = program.post(f"{LETTER}preview/", WORDS)
    assert looked.status_code == 200
    assert looked.json()["subject"] == "Come in, Ada Example"
    assert not LetterText.objects.exists()
    assert program.put(f"{LETTER}?language=de", WORDS).json()["is_own"]
    assert not program.get(f"{LETTER}?language=en").json()["is_own"]
    assert not program.delete(f"{LETTER}?language=de").json()["is_own"]
    for body in ("no link", "{{ link }} {{ password }}", "{{ link }} {% now %}", ""):
        assert program.put(LETTER, WORDS | {"body": body}).status_code == 422
    assert program.get(f"{ADDRESS}letters/signup_code/").status_code == 404
    assert program.get(f"{ADDRESS}letters/?language=xx").status_code == 422


def test_a_program_that_was_made_for_something_else_is_refused(host: str, admin: UserActor) -> None:
    other = token_client(host, admin, scopes=frozenset({"tasks.view"}))
    assert other.get(ADDRESS).status_code == 403
    assert other.patch(ADDRESS, {"color": "#ffd400"}).status_code == 403
    assert other.get(f"{ADDRESS}letters/").status_code == 403
