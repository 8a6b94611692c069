"""Signing up in a browser: an address, the code, the company, and the wait for it; nothing can be skipped."""

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from tenants.lifecycle.signups import proofs
from tenants.lifecycle.signups.services import SEND_CODE
from tenants.models import Operation, Signup, Tenant
from tenants.tenancy import TenantRef
from tests.fakes.dispatch import run_due_work

OWN = {"name": "Acme", "slug": "acme-works", "owner_name": "Ann Made-Up", "region": "local"}


@pytest.fixture(autouse=True)
def is_open(settings: Settings) -> None:
    settings.SIGN_UPS_ARE_OPEN = True


@pytest.fixture
def window(platform_host: str) -> Client:
    return Client(headers={"host": platform_host})


def prove(window: Client) -> None:
    assert window.post("/sign-up/", {"email": "ann@acme.example"}).headers["Location"] == "/sign-up/code/"
    code = proofs.code_of(Signup.objects.get().pk)
    assert window.post("/sign-up/code/", {"code": code}).headers["Location"] == "/sign-up/company/"


def test_where_the_door_is_closed_there_is_no_page_and_no_link(window: Client, settings: Settings) -> None:
    assert "/sign-up/" in window.get(reverse("account_login")).content.decode()
    settings.SIGN_UPS_ARE_OPEN = False
    assert "/sign-up/" not in window.get(reverse("account_login")).content.decode()
    for page in ("", "code/", "company/", "ready/"):
        assert window.get(f"/sign-up/{page}").status_code == 404


@pytest.mark.parametrize("page", ["code/", "company/", "ready/"])
def test_nothing_can_be_skipped(window: Client, page: str) -> None:
    assert window.get(f"/sign-up/{page}").headers["Location"] == "/sign-up/"


def test_a_wrong_address_and_a_wrong_code_are_told_at_their_fields(window: Client) -> None:
    assert "Enter a valid email address" in window.post("/sign-up/", {"email": "ann"}).content.decode()
    window.post("/sign-up/", {"email": "ann@acme.example"})
    wrong = f"{(int(proofs.code_of(Signup.objects.get().pk)) + 1) % 1_000_000:06d}"
    answer = window.post("/sign-up/code/", {"code": wrong})
    assert (answer.status_code, "does not fit" in answer.content.decode()) == (422, True)


def test_the_letter_holds_the_code(window: Client, platform_host: str) -> None:
    window.post("/sign-up/", {"email": "ann@acme.example"})
    platform: TenantRef = Tenant.objects.get(slug="platform").ref
    run_due_work(platform, kind=SEND_CODE)
    assert proofs.code_of(Signup.objects.get().pk) in mail.outbox[0].body


def test_a_company_is_asked_for_and_its_page_shows_how_far_it_is(window: Client) -> None:
    prove(window)
    weak = window.post("/sign-up/company/", OWN | {"owner_password": "short"})
    assert weak.status_code == 422
    assert not Operation.objects.exists()
    asked = window.post("/sign-up/company/", OWN | {"owner_password": "four unrelated words here"})
    assert asked.headers["Location"] == "/sign-up/ready/"
    assert "It is being made" in window.get("/sign-up/ready/").content.decode()
    Operation.objects.update(state="succeeded")
    assert "acme-works." in window.get("/sign-up/ready/").content.decode()
    assert window.get("/sign-up/company/").headers["Location"] == "/sign-up/ready/", "one company each"


def test_another_browser_does_not_go_on_with_it(window: Client, platform_host: str) -> None:
    prove(window)
    other = Client(headers={"host": platform_host})
    assert other.get("/sign-up/company/").headers["Location"] == "/sign-up/"
