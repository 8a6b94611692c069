"""The operators' routes; everywhere but on the platform's host they answer 404."""

from django.urls import include, path

from tenants.branding.console import theme
from tenants.console import companies
from tenants.console.signing_keys import signing_keys
from tenants.console.top_badge import top_badge
from tenants.tenancy.states import stays_open

platform = (
    [
        path("", companies.company_list, name="companies"),
        path("new/", companies.new_company, name="new_company"),
    ],
    "platform",
)

api_urlpatterns: list[object] = []
console_urlpatterns = [
    path("platform/companies/", include(platform)),
    path(".well-known/signing-keys.json", signing_keys, name="signing_keys"),
    path("shell/badge/", top_badge, name="top_badge"),
    path(
        "theme/<slug:slug>-<slug:digest>.css",
        stays_open(theme, "provisioning", "suspended", "pending_deletion"),
        name="theme",
    ),
]
