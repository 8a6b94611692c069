"""The operators' routes; everywhere but on the platform's host they answer 404."""

from django.urls import include, path

from tenants.api.urls import api_urlpatterns
from tenants.branding.console import brand_image, theme
from tenants.console import (
    brand_letters,
    branding,
    companies,
    company,
    company_data,
    company_restore,
    domains,
    mail_server,
    operations,
    operator_access,
    proofs,
    sign_up,
)
from tenants.console import platform as overview
from tenants.console.related_origins import related_origins
from tenants.console.signing_keys import signing_keys
from tenants.console.top_badge import top_badge
from tenants.tenancy.states import stays_open

__all__ = ["api_urlpatterns", "console_urlpatterns"]

_one = "companies/<uuid:company_id>/"
_operation = "operations/<uuid:operation_id>/"
_letter = "work/<str:cell>/<uuid:item_id>/"
platform = (
    [
        path("", overview.overview, name="overview"),
        path("companies/", companies.company_list, name="companies"),
        path("companies/new/", companies.new_company, name="new_company"),
        path(_one, company.company, name="company"),
        path(f"{_one}act/", company.act, name="company_act"),
        path(f"{_one}restore/", company_restore.restore, name="company_restore"),
        path(f"{_one}restore/undo/", company_restore.undo, name="company_undo_restore"),
        path(f"{_one}certificate.json", proofs.certificate, name="company_certificate"),
        path("access/", operator_access.access, name="access"),
        path("access/<uuid:grant_id>/vouch/", operator_access.vouch, name="access_vouch"),
        path("access/<uuid:grant_id>/give-back/", operator_access.give_back, name="access_give_back"),
        path("evidence/", proofs.evidence, name="evidence"),
        path("evidence/<uuid:evidence_id>.json", proofs.evidence_report, name="evidence_report"),
        path("operations/", operations.operation_list, name="operations"),
        path(_operation, operations.operation, name="operation"),
        path(f"{_operation}go-on/", operations.go_on, name="operation_go_on"),
        path(f"{_operation}give-up/", operations.give_up, name="operation_give_up"),
        path("work/", overview.work, name="work"),
        path(f"{_letter}retry/", overview.retry, name="work_retry"),
        path(f"{_letter}discard/", overview.discard, name="work_discard"),
    ],
    "platform",
)

company_pages = (
    [
        path("settings/company/", company_data.company_data, name="data"),
        path("settings/company/export/", company_data.export_now, name="export"),
        path("settings/company/exports/<uuid:export_id>/", company_data.download, name="download"),
        path("settings/company/delete/", company_data.delete, name="delete"),
        path("company/deletion/<str:token>/", stays_open(company_data.keep, "pending_deletion"), name="keep"),
    ],
    "company",
)
sign_ups = (
    [
        path("", sign_up.begin, name="begin"),
        path("code/", sign_up.code, name="code"),
        path("company/", sign_up.company, name="company"),
        path("ready/", sign_up.ready, name="ready"),
    ],
    "sign_up",
)
support = (
    [
        path("leave/", stays_open(operator_access.leave, "read_only"), name="leave"),
        path("<uuid:grant_id>/", operator_access.set_out, name="set_out"),
        path("<uuid:grant_id>/enter/", operator_access.enter, name="enter"),
    ],
    "support",
)
support_access = (
    [
        path("", operator_access.support_access, name="overview"),
        path("rule/", operator_access.rule, name="rule"),
        path("<uuid:grant_id>/", operator_access.support_grant, name="grant"),
        path("<uuid:grant_id>/refuse/", operator_access.refuse, name="refuse"),
        path("<uuid:grant_id>/revoke/", operator_access.revoke, name="revoke"),
    ],
    "support_access",
)
own_domains = (
    [
        path("settings/domains/", domains.domains, name="domains"),
        path("settings/domains/primary/", domains.primary, name="primary"),
        path("settings/domains/<uuid:custom_domain_id>/check/", domains.check, name="check"),
        path("settings/domains/<uuid:custom_domain_id>/remove/", domains.remove, name="remove"),
    ],
    "domains",
)
_letter_kind = "settings/branding/letters/<slug:kind>/"
branding_pages = (
    [
        path("settings/branding/", branding.brand, name="brand"),
        path("settings/branding/preview/", branding.preview, name="preview"),
        path("settings/branding/preview.css", branding.preview_styles, name="preview_styles"),
        path("settings/branding/images/<slug:slot>/", branding.image, name="image"),
        path("settings/branding/letters/", brand_letters.letters, name="letters"),
        path(_letter_kind, brand_letters.letter, name="letter"),
        path(f"{_letter_kind}preview/", brand_letters.letter_frame, name="letter_frame"),
        path(f"{_letter_kind}test/", brand_letters.try_letter, name="try_letter"),
        path("settings/branding/sender/", mail_server.sender, name="sender"),
        path("settings/branding/sender/test/", mail_server.test, name="sender_test"),
        path("settings/branding/sender/confirm/", mail_server.confirm, name="sender_confirm"),
        path("settings/branding/sender/remove/", mail_server.remove, name="sender_remove"),
    ],
    "branding",
)
console_urlpatterns = [
    path("", include(branding_pages)),
    path("sign-up/", include(sign_ups)),
    path("platform/", include(platform)),
    path("", include(company_pages)),
    path("", include(own_domains)),
    path("support/", include(support)),
    path("settings/support-access/", include(support_access)),
    path(".well-known/signing-keys.json", signing_keys, name="signing_keys"),
    path(".well-known/webauthn", related_origins, name="related_origins"),
    path("shell/badge/", top_badge, name="top_badge"),
    path(
        "brand/<slug:digest>/<slug:size>.png",
        stays_open(brand_image, "provisioning", "suspended", "pending_deletion"),
        name="brand_image",
    ),
    path(
        "theme/<slug:slug>-<slug:digest>.css",
        stays_open(theme, "provisioning", "suspended", "pending_deletion"),
        name="theme",
    ),
]
