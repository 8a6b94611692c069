"""Companies come in: with an owner at once or with an invitation, and a call cut short is finished by the next."""

from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from django.db import connections
from pytest_django import DjangoDbBlocker

from tenants.accounts.access import Role
from tenants.accounts.invitations.services import accept_invitation
from tenants.accounts.models import User
from tenants.accounts.selectors import owners
from tenants.accounts.tidying import TIDY_UP_JOB
from tenants.foundation.errors import Conflict, InvalidInput
from tenants.lifecycle import onboarding
from tenants.lifecycle.onboarding import Onboarded, onboard_tenant
from tenants.models import Tenant, WorkItem
from tenants.tenancy import atomic, cell_scope, tenant_scope
from tests.companies import OWNER_PASSWORD, drop_company

type Onboard = Callable[..., Onboarded]


@pytest.fixture
def onboard(databases: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Onboard]:
    """Takes a company in for good; it is dropped when the test ends."""
    slug = f"t-{uuid4().hex[:8]}"

    def take_in(**options: object) -> Onboarded:
        facts = {"slug": slug, "name": "Works", "owner_email": "bo@works.example", "owner_name": "Bo Example"}
        return onboard_tenant(**facts | options)  # type: ignore[arg-type]

    with django_db_blocker.unblock():
        yield take_in
        connections.close_all()
        for company in Tenant.objects.filter(slug=slug):
            drop_company(company)


def test_a_company_whose_owner_is_invited_lacks_nothing(onboard: Onboard) -> None:
    done = onboard()

    assert done.owner_id is None
    assert done.invitation is not None
    assert done.tenant.state == "active"
    with tenant_scope(done.tenant), atomic():
        assert not User.objects.exists()
        accept_invitation(token=done.invitation.reveal(), name="Bo Example", password=OWNER_PASSWORD)
        assert [binding.role for binding in owners()] == [Role.OWNER]
    with cell_scope(done.tenant.cell), atomic():
        assert WorkItem.objects.filter(tenant_id=done.tenant.id, kind=TIDY_UP_JOB).count() == 1


def test_a_call_that_was_cut_short_is_finished_by_the_next(
    onboard: Onboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fall_over(*_: object) -> None:
        raise RuntimeError("The machine is on fire.")

    with monkeypatch.context() as broken, pytest.raises(RuntimeError):
        broken.setattr(onboarding, "_bring_in_owner", fall_over)
        onboard(owner_password=OWNER_PASSWORD)

    done = onboard(owner_password=OWNER_PASSWORD)

    assert done.owner_id is not None
    with pytest.raises(Conflict, match="Another company"):
        onboard(owner_password=OWNER_PASSWORD)


@pytest.mark.parametrize("slug", ["", "-a", "Großbau", "a" * 41, "a.b", "ab\n", "www", "api"])
def test_an_address_that_cannot_be_one_is_refused(onboard: Onboard, slug: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        onboard(slug=slug)
    assert "slug" in caught.value.fields
