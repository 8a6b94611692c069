"""The platform's own tenant: the recurring work that concerns every company runs in its name."""

from datetime import datetime, time, timedelta
from typing import Final

from django.utils import timezone

from tenants.dispatch import enqueue, schedule
from tenants.dispatch.services import set_share
from tenants.lifecycle.onboarding import onboard_tenant
from tenants.models import Tenant
from tenants.permissions import PLATFORM_SLUG
from tenants.tenancy import TenantRef, atomic, tenant_scope

# What runs for the whole platform (see tenants.jobs), and how often. Work of a day or longer is done at night.
PLATFORM_SCHEDULES: Final[list[tuple[str, timedelta]]] = [
    ("platform.run_operations", timedelta(seconds=15)),
    ("platform.refill_spares", timedelta(minutes=5)),
    ("platform.check_cells", timedelta(days=1)),
    ("platform.ship_wal", timedelta(minutes=1)),
    ("platform.backup_incremental", timedelta(hours=1)),
    ("platform.backup_full", timedelta(days=1)),
    ("platform.restore_drill", timedelta(days=1)),
    ("platform.prune_backups", timedelta(days=1)),
    ("platform.drop_replaced_schemas", timedelta(days=1)),
    ("platform.drop_moved_copies", timedelta(days=1)),
    ("platform.remove_expired_exports", timedelta(hours=1)),
    ("platform.schema_audit", timedelta(days=1)),
    ("platform.isolation_probe", timedelta(days=1)),
    ("platform.delete_due_companies", timedelta(hours=1)),
    ("platform.forget_signups", timedelta(days=1)),
    ("platform.check_custom_domains", timedelta(days=1)),
    ("platform.end_operator_access", timedelta(minutes=1)),
]
# Done once on the first day as well: nobody should wait for the night to see that a new platform is sound.
FIRST_CHECKS: Final = ("platform.schema_audit", "platform.isolation_probe")
# A drill, a backup and a long restore must not keep the operations of other companies waiting.
MOST_AT_ONCE: Final = 12
SETTLED: Final = timedelta(minutes=5)
NIGHT: Final = time(2, 0)
APART: Final = timedelta(minutes=15)
_DAY: Final = timedelta(days=1)


def ensure_platform() -> TenantRef:
    """Make the tenant ``platform`` where it is missing, and its schedules; safe to repeat.

    It has no owner until one is named (``manage.py onboard platform …``): nobody can sign in, but its jobs run.
    """
    tenant = Tenant.objects.filter(slug=PLATFORM_SLUG).first()
    if tenant is None or tenant.state == Tenant.State.PROVISIONING:
        ref = onboard_tenant(slug=PLATFORM_SLUG, name="Platform", owner_email="", owner_name="").tenant
        with tenant_scope(ref), atomic():
            for kind in FIRST_CHECKS:
                enqueue(kind, due_at=timezone.now() + SETTLED)
    else:
        ref = tenant.ref
    set_share(cell=ref.cell, tenant_id=ref.id, max_inflight=MOST_AT_ONCE)
    with tenant_scope(ref), atomic():
        daily = [kind for kind, every in PLATFORM_SCHEDULES if every >= _DAY]
        for kind, every in PLATFORM_SCHEDULES:
            place = daily.index(kind) if kind in daily else 0
            schedule(kind, every=every, first_at=first_run(every, timezone.now(), place=place))
    return ref


def first_run(every: timedelta, now: datetime, *, place: int = 0) -> datetime:
    """When a schedule begins: at once, or in the coming night when it runs once a day or less often.

    The work of a night begins one after the other, ``place`` by place.
    """
    if every < _DAY:
        return now
    tonight = datetime.combine(now.date(), NIGHT, tzinfo=now.tzinfo) + place * APART
    return tonight if tonight > now else tonight + _DAY
