"""What GitHub's API says about a person, and who of it may come in."""

from typing import Any

import pytest

from tenants.accounts.models import IdentityProvider
from tenants.accounts.sso.oidc import github
from tenants.accounts.sso.reasons import SsoRefused

ANSWERS: dict[str, Any] = {
    "/user": {"id": 7, "login": "gina", "name": "Gina Github-Example"},
    "/user/memberships/orgs/example": {"state": "active", "role": "admin"},
    "/user/emails": [
        {"email": "other@people.example", "primary": False, "verified": True},
        {"email": "gina@people.example", "primary": True, "verified": True},
    ],
}


@pytest.fixture
def provider() -> IdentityProvider:
    return IdentityProvider(kind="github", preset="github", organisation="example", client_id="x")


def answering(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    answers = ANSWERS | {f"/{name.replace('__', '/')}": value for name, value in changes.items()}

    def get(url: str, _token: str, *, may_be_missing: bool = False) -> Any:
        return answers[url.removeprefix(github.API)]

    monkeypatch.setattr(github, "_get", get)


def test_the_number_of_the_account_is_the_subject(
    monkeypatch: pytest.MonkeyPatch, provider: IdentityProvider
) -> None:
    answering(monkeypatch)
    claims = github.claims_of(provider, "token")
    assert (claims.subject, claims.email, claims.is_email_verified) == ("7", "gina@people.example", True)
    assert claims.groups == ["example", "example:admin"]


@pytest.mark.parametrize("membership", [None, {"state": "pending"}, []])
def test_who_is_not_in_the_organisation_stays_outside(
    monkeypatch: pytest.MonkeyPatch, provider: IdentityProvider, membership: Any
) -> None:
    answering(monkeypatch, user__memberships__orgs__example=membership)
    with pytest.raises(SsoRefused) as refused:
        github.claims_of(provider, "token")
    assert refused.value.reason == "organisation"


def test_an_address_that_is_not_verified_is_said_to_be_so(
    monkeypatch: pytest.MonkeyPatch, provider: IdentityProvider
) -> None:
    answering(
        monkeypatch, user__emails=[{"email": "boss@people.example", "primary": True, "verified": False}]
    )
    assert github.claims_of(provider, "token").is_email_verified is False


@pytest.mark.parametrize(
    ("user", "token"), [({"id": "7"}, "t"), ([], "t"), ({}, "t"), (ANSWERS["/user"], "")]
)
def test_an_answer_without_an_account_is_refused(
    monkeypatch: pytest.MonkeyPatch, provider: IdentityProvider, user: Any, token: str
) -> None:
    answering(monkeypatch, user=user)
    with pytest.raises(SsoRefused):
        github.claims_of(provider, token)
