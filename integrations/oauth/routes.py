"""Keeps the control plane's hint up to date which companies have which outside workspace connected."""

import structlog
from django.db import transaction

from integrations.models import Connection
from tenants.models import WorkspaceRoute
from tenants.tenancy import atomic, current_tenant

log = structlog.get_logger(__name__)
_CONTROL_PLANE = "default"


def keep_routes() -> bool:
    """Make the current company's routes those of its connections by OAuth; says whether it has any. Safe to repeat.

    The two databases cannot commit together, so this runs after each change, and once a day in case it did not.
    """
    tenant_id = current_tenant().id
    with atomic():
        granted = Connection.objects.present().filter(auth_kind=Connection.AuthKind.OAUTH)
        wanted = set(granted.values_list("connector", "workspace_id"))
    with transaction.atomic(using=_CONTROL_PLANE):
        routes = WorkspaceRoute.objects.filter(tenant_id=tenant_id)
        known = {(route.connector, route.workspace_id): route.pk for route in routes}
        gone = [key for pair, key in known.items() if pair not in wanted]
        WorkspaceRoute.objects.filter(pk__in=gone).delete()
        missing = [
            WorkspaceRoute(connector=connector, workspace_id=workspace_id, tenant_id=tenant_id)
            for connector, workspace_id in sorted(wanted - known.keys())
        ]
        WorkspaceRoute.objects.bulk_create(missing, ignore_conflicts=True)
    if gone or missing:
        log.info("workspace_routes.kept", added=len(missing), removed=len(gone))
    return bool(wanted)
