"""The routes of this door, below /api/v1/."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from integrations.api.collections import CollectionViewSet
from integrations.api.conflicts import ConflictViewSet
from integrations.api.connections import ConnectionViewSet
from integrations.api.descriptions import DescriptionViewSet
from integrations.api.health import SetAsideViewSet, SyncHealthViewSet
from integrations.api.pushes import PushViewSet, TaskSyncViewSet
from integrations.api.setups import SetupViewSet
from integrations.api.sync_runs import SyncRunViewSet
from integrations.api.webhooks import WebhookViewSet

_routes = SimpleRouter(use_regex_path=False)
_routes.register("connections", ConnectionViewSet, basename="connection")
_routes.register("connections/<uuid:connection_id>/descriptions", DescriptionViewSet, basename="description")
_routes.register("connections/<uuid:connection_id>/setups", SetupViewSet, basename="setup")
_routes.register("connections/<uuid:connection_id>/webhook", WebhookViewSet, basename="webhook")
_routes.register("collections", CollectionViewSet, basename="collection")
_routes.register("sync-health", SyncHealthViewSet, basename="sync-health")
_routes.register("set-aside", SetAsideViewSet, basename="set-aside")
_routes.register("conflicts", ConflictViewSet, basename="conflict")
_routes.register("pushes", PushViewSet, basename="push")
_routes.register("task-sync", TaskSyncViewSet, basename="task-sync")
_routes.register("sync-runs", SyncRunViewSet, basename="sync-run")

api_urlpatterns = [path("", include(_routes.urls))]
