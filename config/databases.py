"""Django's DATABASES from the environment: the control plane, the cells, their owners, and the template."""

from typing import Any
from urllib.parse import unquote, urlsplit

from config.env import Cell, Environment, beside

TENANT_BACKEND = "tenants.tenancy.backend"
PLAIN_BACKEND = "django.db.backends.postgresql"
TEMPLATE_SCHEMA = "tenant_template"
# A server that went away without a word (a lost machine, a silent line) is noticed in seconds, not in hours.
SILENCE = {
    "connect_timeout": 5,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


def databases_for(env: Environment, url: str, owner_url: str) -> tuple[dict[str, Any], list[str]]:
    """(DATABASES, aliases of the cells). Without ``CELLS`` there is one cell, a database beside the control plane's."""
    cells = env.cells or [
        Cell(alias="cell_1", url=beside(url, "_cell_1"), owner_url=beside(owner_url, "_cell_1"))
    ]
    template_url = env.template_database_url or beside(owner_url, "_template")
    pool = {"min_size": 0, "max_size": env.db_pool_max, "timeout": 10, "max_lifetime": 1800}
    login: dict[str, Any] = {"pool": pool} if env.db_pool_max else {}
    databases = {
        "default": connection(url, PLAIN_BACKEND, options=login),
        "default_owner": connection(owner_url, PLAIN_BACKEND),
        "template": connection(
            template_url, PLAIN_BACKEND, options={"options": f"-c search_path={TEMPLATE_SCHEMA},public"}
        ),
    }
    for cell in cells:
        databases[cell.alias] = connection(cell.url, TENANT_BACKEND, options=login)
        databases[f"{cell.alias}_owner"] = connection(cell.owner_url, PLAIN_BACKEND)
    return databases, [cell.alias for cell in cells]


def connection(url: str, engine: str, *, options: dict[str, Any] | None = None) -> dict[str, Any]:
    """One entry of DATABASES from a URL."""
    parts = urlsplit(url)
    pooled = "pool" in (options or {})
    return {
        "ENGINE": engine,
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or 5432),
        "CONN_MAX_AGE": 0 if pooled else 60,
        # The tenants' backend replaces a dead connection when it begins; the others have to ask.
        "CONN_HEALTH_CHECKS": engine != TENANT_BACKEND,
        "OPTIONS": {"application_name": "notion-task-sync", **SILENCE, **(options or {})},
    }
