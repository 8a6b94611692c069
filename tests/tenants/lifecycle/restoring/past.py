"""A company with a past: backups that know it, and a moment between two of its writes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from tenants.backups.repository import stored_backups
from tenants.backups.servers import BackupServer, backup_servers
from tenants.backups.taking import take_backup
from tenants.lifecycle.restoring.services import drop_replaced_schemas, restore_tenant
from tenants.models import Operation, Tenant
from tests.companies import create_company, drop_company
from tests.tenants.backups.departments import found


@dataclass(frozen=True)
class Past:
    """Two companies of which a full and an incremental backup or the log know, and a moment between two writes."""

    server: BackupServer
    company: Tenant
    other: Tenant
    moment: datetime


@contextmanager
def a_past() -> Iterator[Past]:
    """The company had "one" and "two" at the moment, and got "three" afterwards."""
    server = backup_servers()[0]
    company, other = create_company(), create_company()
    # The first test's company is in the backups, the others' are in the log alone.
    if not stored_backups(server.name):
        take_backup(server, kind="full")
        found(company, "one")
        take_backup(server, kind="incremental")
    else:
        found(company, "one")
    found(company, "two")
    found(other, "before")
    time.sleep(0.02)
    moment = timezone.now()
    time.sleep(0.02)
    found(company, "three")
    found(other, "after")
    try:
        yield Past(server, company, other, moment)
    finally:
        drop_replaced_schemas(company.pk)
        for each in (company, other):
            drop_company(each)


def bring_back(past: Past, *, keeps_access: bool = True) -> Operation:
    return restore_tenant(
        slug=past.company.slug, moment=past.moment, asked_by="test", keeps_access=keeps_access
    )
