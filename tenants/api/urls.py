"""The routes of this door, below /api/v1/."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from tenants.api.companies import CompanyViewSet
from tenants.api.company_deletion import CompanyDeletionViewSet
from tenants.api.exports import ExportViewSet
from tenants.api.operations import OperationViewSet
from tenants.api.platform import PlatformView
from tenants.tenancy.states import stays_open

_routes = SimpleRouter(use_regex_path=False)
_routes.register("companies", CompanyViewSet, basename="company")
_routes.register("operations", OperationViewSet, basename="operation")
_routes.register("exports", ExportViewSet, basename="export")
_deletion = CompanyDeletionViewSet.as_view({"get": "retrieve", "post": "create", "delete": "destroy"})

api_urlpatterns = [
    path("", include(_routes.urls)),
    path("platform/", PlatformView.as_view(), name="platform"),
    # A company that is to be deleted answers one request: the one that keeps it.
    path(
        "company/deletion/",
        stays_open(_deletion, "pending_deletion"),
        name="company-deletion",
    ),
]
