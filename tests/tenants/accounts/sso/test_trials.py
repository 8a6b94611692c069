"""Trying a provider out with a link a program asked for, in a browser nobody is signed in with."""

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from tenants.accounts.access import UserActor
from tenants.accounts.models import IdentityProvider, PendingSignIn, User
from tenants.accounts.sso import services
from tenants.accounts.sso.trials import issue_trial_link
from tenants.foundation.errors import Conflict
from tests.sso_servers.starting import SamlIdp
from tests.tenants.accounts.sso.test_saml_sign_in import NIA, last_entry

pytestmark = pytest.mark.xdist_group("sso_servers")


@pytest.fixture
def client(host: str) -> Client:
    return Client(headers={"host": host})


@pytest.fixture
def in_test(
    saml_server: SamlIdp, saml: Callable[..., IdentityProvider], admin: UserActor
) -> IdentityProvider:
    return services.set_state(provider=saml(saml_server), state="test", actor=admin)


def path_of_link(provider: IdentityProvider, actor: UserActor) -> str:
    return urlsplit(issue_trial_link(provider=provider, actor=actor).address).path


def test_who_follows_the_link_is_graded_and_signed_in_nowhere(
    in_test: IdentityProvider, saml_server: SamlIdp, admin: UserActor, client: Client
) -> None:
    path = path_of_link(in_test, admin)
    # Programs that look at links before people do use nothing up.
    assert client.get(path).status_code == 302
    posted = saml_server.sign_in(client.get(path)["Location"], NIA)
    page = client.get(client.post(f"/sso/{in_test.pk}/acs/", posted)["Location"])
    assert page.status_code == 200, last_entry()
    assert "Grade A" in page.content.decode()
    assert "_auth_user_id" not in client.session
    in_test.refresh_from_db()
    assert (in_test.test_grade, in_test.is_tested, in_test.tested_by) == ("A", True, admin.user)
    assert not User.objects.filter(email="nia@people.example").exists()
    assert last_entry()[::2] == ("accepted", "Test: grade A")
    # A test that got through ends the link and what else was begun with it.
    assert not PendingSignIn.objects.exists()
    assert client.get(path).status_code == 400
    assert last_entry()[1] == "unknown_state"


def test_the_answer_of_a_test_by_link_counts_in_its_own_browser_only(
    in_test: IdentityProvider, saml_server: SamlIdp, admin: UserActor, client: Client, host: str
) -> None:
    posted = saml_server.sign_in(client.get(path_of_link(in_test, admin))["Location"], NIA)
    finish = client.post(f"/sso/{in_test.pk}/acs/", posted)["Location"]
    assert Client(headers={"host": host}).get(finish).status_code == 400
    assert last_entry()[1] == "other_browser"


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("too late", "unknown_state"),
        ("another provider", "unknown_state"),
        ("noise", "unknown_state"),
        ("its maker may no longer", "unknown_state"),
        ("changed since", "changed"),
    ],
)
def test_a_link_that_does_not_hold_leads_nowhere(
    saml: Callable[..., IdentityProvider], admin: UserActor, client: Client, what: str, reason: str
) -> None:
    provider = saml()
    path = path_of_link(provider, admin)
    if what == "too late":
        PendingSignIn.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    elif what == "another provider":
        path = path.replace(str(provider.pk), str(saml().pk))
    elif what == "noise":
        path = f"/sso/{provider.pk}/test/{'ü' * 20}/"
    elif what == "its maker may no longer":
        User.objects.filter(pk=admin.user.pk).update(is_active=False)
    else:
        IdentityProvider.objects.update(revision=99)
    assert client.get(path).status_code == 400
    assert last_entry()[1] == reason


def test_a_link_is_no_state_of_a_sign_in(
    saml: Callable[..., IdentityProvider], admin: UserActor, client: Client
) -> None:
    secret = path_of_link(saml(), admin).split("/")[-2]
    assert client.get(f"/sso/finish/?state={secret}").status_code == 400
    assert last_entry()[1] == "unknown_state"


def test_links_are_not_made_without_end(saml: Callable[..., IdentityProvider], admin: UserActor) -> None:
    provider = saml()
    for _ in range(20):
        issue_trial_link(provider=provider, actor=admin)
    with pytest.raises(Conflict):
        issue_trial_link(provider=provider, actor=admin)
