"""One include per package: the console at the root, the API under /api/v1/."""

from importlib.util import find_spec

from django.urls import URLPattern, URLResolver, include, path

from config import errors

PACKAGES = ("tenants.accounts", "tenants", "tasks", "integrations", "reporting")


def doors(name: str) -> list[URLPattern | URLResolver]:
    """The routes of each package's console or API (while the house is being built, of those that stand)."""
    routes: list[URLPattern | URLResolver] = []
    for package in PACKAGES:
        if find_spec(f"{package}.urls"):
            module = __import__(f"{package}.urls", fromlist=["x"])
            routes += getattr(module, name, [])
    return routes


urlpatterns = [
    path("api/v1/", include(doors("api_urlpatterns"))),
    path("", include(doors("console_urlpatterns"))),
]
handler400, handler403, handler404, handler500 = (
    errors.bad_request,
    errors.forbidden,
    errors.not_found,
    errors.server_error,
)
