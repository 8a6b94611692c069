"""Describes a workspace anew; a version is kept whenever it differs from the one before."""

from typing import Final

import structlog
from django.db.models import QuerySet

from integrations.describing.document import differences, fingerprint, workspace_document
from integrations.describing.markdown import as_markdown
from integrations.models import Connection, FieldMapping, SyncedCollection, WorkspaceDescription
from integrations.registry import connector
from integrations.selectors import connection_for
from tenants.accounts.access import Actor, require
from tenants.foundation.errors import NotFound
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)
_COLUMNS: Final = ("remote_id", "title", "url", "icon", "role", "is_enabled", "department_name", "schema")
_MAPPED: Final = ("collection__remote_id", "our_field", "remote_field_id", "direction", "policy", "state")


@atomic
def describe_workspace(*, connection: Connection, actor: Actor) -> WorkspaceDescription:
    """Describe a workspace from what is known of it; no call. Returns the newest version, new or not.

    Raises: Forbidden.
    """
    require(actor, "integrations.view", on=connection)
    locked = Connection.objects.select_for_update().get(pk=connection.pk)  # one version at a time
    mappings: dict[str, list[dict[str, object]]] = {}
    for row in FieldMapping.objects.filter(collection__connection=locked).values(*_MAPPED):
        mappings.setdefault(row["collection__remote_id"], []).append(dict(row))
    document = workspace_document(
        name=locked.name,
        service=connector(locked.connector).name,
        collections=SyncedCollection.objects.filter(connection=locked).values(*_COLUMNS),
        mappings=mappings,
    )
    newest = WorkspaceDescription.objects.filter(connection=locked).first()
    if newest is not None and newest.fingerprint == fingerprint(document):
        return newest
    version = newest.version + 1 if newest else 1
    changes = differences(newest.document, document) if newest else []
    made = WorkspaceDescription.objects.create(
        connection=locked,
        version=version,
        fingerprint=fingerprint(document),
        document=document,
        changes=changes,
        markdown=as_markdown(document, version=version, changes=changes),
    )
    log.info("workspace.described", connection_id=locked.pk, version=version, changes=len(changes))
    return made


def descriptions_of(*, actor: Actor, connection: Connection) -> QuerySet[WorkspaceDescription]:
    """The versions of a workspace's description, newest first. Raises: Forbidden, NotFound."""
    require(actor, "integrations.view")
    found = connection_for(actor=actor, connection_id=connection.pk)
    return WorkspaceDescription.objects.filter(connection=found)


def description_for(
    *, actor: Actor, connection: Connection, version: int | None = None
) -> WorkspaceDescription:
    """One version, the newest where none is named. Raises: Forbidden, NotFound."""
    versions = descriptions_of(actor=actor, connection=connection)
    found = (versions.filter(version=version) if version is not None else versions).first()
    if found is None:
        raise NotFound("There is no such description.")
    return found
