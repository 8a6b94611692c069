"""A company's style sheet: kept for ever under its own address, refused to others."""

from django.test import Client

from tenants.branding.theme import stylesheet, theme_address
from tenants.tenancy import TenantRef


def test_the_style_sheet_of_the_asked_company_is_public_and_immutable(
    tenant: TenantRef, stranger: Client
) -> None:
    answer = stranger.get(theme_address(tenant))
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/css; charset=utf-8"
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.content.decode() == stylesheet(tenant.brand_color)


def test_an_outdated_address_gives_the_present_colours_but_is_not_kept(
    tenant: TenantRef, stranger: Client
) -> None:
    answer = stranger.get(f"/theme/{tenant.slug}-000000000000.css")
    assert answer.content.decode() == stylesheet(tenant.brand_color)
    assert "immutable" not in answer.headers["Cache-Control"]


def test_another_companys_style_sheet_is_not_served_here(
    tenant: TenantRef, other_tenant: TenantRef, stranger: Client
) -> None:
    assert stranger.get(theme_address(other_tenant)).status_code == 404


def test_it_cannot_be_written_to(tenant: TenantRef, stranger: Client) -> None:
    assert stranger.post(theme_address(tenant)).status_code == 405
