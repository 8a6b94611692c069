"""One include per package: the console at the root, the API under /api/v1/."""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

import integrations.urls
import reporting.urls
import tasks.urls
import tenants.accounts.urls
import tenants.urls
from config import errors

PACKAGES = (tenants.accounts.urls, tenants.urls, tasks.urls, integrations.urls, reporting.urls)

urlpatterns = [
    path("api/v1/schema/", SpectacularAPIView.as_view(), name="schema"),
    path(
        "api/v1/docs/",
        SpectacularSwaggerSplitView.as_view(url_name="schema", template_name="tenants/api_docs.html"),
        name="docs",
    ),
    *(path("api/v1/", include(package.api_urlpatterns)) for package in PACKAGES),
    *(path("", include(package.console_urlpatterns)) for package in PACKAGES),
]
handler400, handler403, handler404, handler500 = (
    errors.bad_request,
    errors.forbidden,
    errors.not_found,
    errors.server_error,
)
