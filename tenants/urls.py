"""The operators' routes; everywhere but on the platform's host they answer 404."""

from django.urls import include, path

from tenants.branding.console import theme
from tenants.console import companies
from tenants.console.signing_keys import signing_keys
from tenants.console.top_badge import top_badge

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
    path("theme/<slug:slug>-<slug:digest>.css", theme, name="theme"),
]
