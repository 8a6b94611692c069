"""Every table of the package."""

from integrations.models.agreed_body import AgreedBody
from integrations.models.call_tally import CallTally
from integrations.models.conflict import Conflict
from integrations.models.connection import Connection
from integrations.models.external_link import ExternalLink
from integrations.models.field_mapping import FieldMapping
from integrations.models.inbound_event import InboundEvent
from integrations.models.oauth_grant import OAuthGrant
from integrations.models.push import Push
from integrations.models.sync_change import SyncChange
from integrations.models.sync_run import SyncRun, SyncRunCollection
from integrations.models.sync_run_report import SyncRunIssue, SyncRunLog
from integrations.models.synced_collection import SyncedCollection
from integrations.models.webhook_subscription import WebhookSubscription
from integrations.models.workspace_care import SchemaChange, WorkspaceDescription, WorkspaceSetup

__all__ = [
    "AgreedBody",
    "CallTally",
    "Conflict",
    "Connection",
    "ExternalLink",
    "FieldMapping",
    "InboundEvent",
    "OAuthGrant",
    "Push",
    "SchemaChange",
    "SyncChange",
    "SyncRun",
    "SyncRunCollection",
    "SyncRunIssue",
    "SyncRunLog",
    "SyncedCollection",
    "WebhookSubscription",
    "WorkspaceDescription",
    "WorkspaceSetup",
]
