"""Waiting until somebody waits: tests in which one transaction has to be held up by another."""

import threading

from tenants.tenancy import TenantRef
from tenants.tenancy.databases import owner_connection

# Of this database alone: other processes' tests wait for their own.
_WAITING = """
SELECT 1 FROM pg_locks l JOIN pg_database d ON d.oid = l.database
  WHERE l.locktype = 'advisory' AND NOT l.granted AND d.datname = current_database()
"""


def wait_until_somebody_waits(tenant: TenantRef) -> None:
    """Return when somebody waits for a turn (`wait_for_turn`). Raises: AssertionError after a minute."""
    patience = threading.Event()
    with owner_connection(f"{tenant.cell}_owner") as connection:
        connection.autocommit = True
        for _ in range(600):
            if connection.execute(_WAITING).fetchone():
                return
            patience.wait(0.1)
    raise AssertionError("Nobody waited for anybody.")
