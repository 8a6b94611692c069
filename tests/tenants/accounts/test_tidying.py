"""What has run out is deleted, what is in use stays, and it is done every day."""

from datetime import timedelta

from django.contrib.sessions.models import Session
from django.utils import timezone

from tenants.accounts.jobs import tidy_up_accounts
from tenants.accounts.models import IdempotencyRecord
from tenants.accounts.tidying import TIDY_UP_JOB, schedule_tidying, tidy_up
from tenants.dispatch import registry
from tenants.models import WorkItem
from tenants.tenancy import TenantRef, cell_scope


def test_expired_sessions_and_answers_go_and_the_others_stay(tenant: TenantRef) -> None:
    now = timezone.now()
    for number in range(3):
        moment = now + timedelta(days=number - 1)
        Session.objects.create(pk=f"s{number}", session_data="x", expire_date=moment)
        IdempotencyRecord.objects.create(
            actor_id="a", route="r", key=str(number), request_hash="h", expires_at=moment
        )
    assert tidy_up() == (2, 2)
    assert (Session.objects.get().pk, IdempotencyRecord.objects.get().key) == ("s2", "2")


def test_a_company_is_tidied_up_once_a_day(tenant: TenantRef) -> None:
    for _ in range(2):
        schedule_tidying()
    with cell_scope(tenant.cell):
        item = WorkItem.objects.using(tenant.cell).get(tenant_id=tenant.id, kind=TIDY_UP_JOB)
    assert item.every_seconds == 24 * 3600
    assert {job.kind: job.function for job in registry}[TIDY_UP_JOB] is tidy_up_accounts
