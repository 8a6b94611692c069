"""Every table of the package."""

from integrations.models.connection import Connection
from integrations.models.external_link import ExternalLink
from integrations.models.field_mapping import FieldMapping
from integrations.models.sync_run import SyncRun, SyncRunCollection
from integrations.models.sync_run_report import SyncRunIssue, SyncRunLog
from integrations.models.synced_collection import SyncedCollection

__all__ = [
    "Connection",
    "ExternalLink",
    "FieldMapping",
    "SyncRun",
    "SyncRunCollection",
    "SyncRunIssue",
    "SyncRunLog",
    "SyncedCollection",
]
