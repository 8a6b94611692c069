"""The routes of this door, below /api/v1/."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from tenants.api.brand_letters import LetterViewSet
from tenants.api.branding import BrandImageViewSet, BrandingViewSet
from tenants.api.companies import CompanyViewSet
from tenants.api.company_deletion import CompanyDeletionViewSet
from tenants.api.company_restore import CompanyRestoreViewSet
from tenants.api.domains import DomainViewSet
from tenants.api.exports import ExportViewSet
from tenants.api.mail_server import MailServerViewSet
from tenants.api.operations import OperationViewSet
from tenants.api.operator_access import (
    OperatorGrantViewSet,
    SupportAccessRuleViewSet,
    SupportAccessViewSet,
)
from tenants.api.platform import PlatformView
from tenants.api.proofs import CertificateViewSet, EvidenceViewSet
from tenants.api.signups import SignupViewSet, TenantViewSet
from tenants.tenancy.states import stays_open

_routes = SimpleRouter(use_regex_path=False)
_routes.register("companies", CompanyViewSet, basename="company")
_routes.register("operations", OperationViewSet, basename="operation")
_routes.register("exports", ExportViewSet, basename="export")
_routes.register("evidence", EvidenceViewSet, basename="evidence")
_routes.register("support-access", SupportAccessViewSet, basename="support-access")
_routes.register("operator-grants", OperatorGrantViewSet, basename="operator-grant")
_routes.register("domains", DomainViewSet, basename="domain")
_routes.register("deletion-certificates", CertificateViewSet, basename="deletion-certificate")
_deletion = CompanyDeletionViewSet.as_view({"get": "retrieve", "post": "create", "delete": "destroy"})
_restore = CompanyRestoreViewSet.as_view({"get": "retrieve", "post": "create"})
_undo_restore = CompanyRestoreViewSet.as_view({"post": "undo"})

_brand = BrandingViewSet.as_view({"get": "retrieve", "patch": "partial_update"})
_letter = LetterViewSet.as_view({"get": "retrieve", "put": "update", "delete": "destroy"})
_mail_server = MailServerViewSet.as_view({"get": "retrieve", "put": "update", "delete": "destroy"})
branding = [
    path("branding/", _brand, name="branding"),
    path("branding/publish/", BrandingViewSet.as_view({"post": "publish"}), name="branding-publish"),
    path("branding/draft/", BrandingViewSet.as_view({"delete": "discard"}), name="branding-draft"),
    path(
        "branding/logos/<slug:slot>/",
        BrandImageViewSet.as_view({"put": "update", "delete": "destroy"}),
        name="branding-image",
    ),
    path("branding/letters/", LetterViewSet.as_view({"get": "list"}), name="branding-letter-list"),
    path("branding/letters/<slug:kind>/", _letter, name="branding-letter"),
    path(
        "branding/letters/<slug:kind>/preview/",
        LetterViewSet.as_view({"post": "preview"}),
        name="branding-letter-preview",
    ),
    path("branding/mail-server/", _mail_server, name="branding-mail-server"),
    path(
        "branding/mail-server/candidate/",
        MailServerViewSet.as_view({"delete": "discard"}),
        name="branding-mail-server-candidate",
    ),
    path(
        "branding/mail-server/test/",
        MailServerViewSet.as_view({"post": "test"}),
        name="branding-mail-server-test",
    ),
    path(
        "branding/mail-server/confirm/",
        MailServerViewSet.as_view({"post": "confirm"}),
        name="branding-mail-server-confirm",
    ),
]

_support_rule = SupportAccessRuleViewSet.as_view({"get": "retrieve", "put": "update"})

api_urlpatterns = [
    path("support-access/rule/", _support_rule, name="support-access-rule"),
    path("", include(branding)),
    path("", include(_routes.urls)),
    path("companies/<uuid:id>/restore/", _restore, name="company-restore"),
    path("companies/<uuid:id>/undo-restore/", _undo_restore, name="company-undo-restore"),
    path("signups/", SignupViewSet.as_view({"post": "create"}), name="signup-list"),
    path("signups/<uuid:id>/verify/", SignupViewSet.as_view({"post": "verify"}), name="signup-verify"),
    path(
        "signups/<uuid:id>/api-token/", SignupViewSet.as_view({"post": "api_token"}), name="signup-api-token"
    ),
    path("tenants/", TenantViewSet.as_view({"post": "create"}), name="tenant-list"),
    path("platform/", PlatformView.as_view(), name="platform"),
    # A company that is to be deleted answers one request: the one that keeps it.
    path(
        "company/deletion/",
        stays_open(_deletion, "pending_deletion"),
        name="company-deletion",
    ),
]
