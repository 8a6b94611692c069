"""Django's DATABASES from the environment: the control plane, the cells, their owners, and the template."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

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

# A report does not wait long for a replica, and never writes, whatever server turns out to be there.
READING = {"connect_timeout": 2, "options": "-c default_transaction_read_only=on -c statement_timeout=60s"}


@dataclass(frozen=True)
class ServiceUrls:
    """Where the servers answer: as the login role, as the owner, as a superuser (where there is one), and Valkey.

    A process that serves people or companies' jobs has no owner (""): then the aliases of the owner lead nowhere.
    """

    login: str
    owner: str
    redis: str
    admin: str | None = None


@dataclass(frozen=True)
class Layout:
    """What the settings need of the databases: Django's entries, and what is known of each cell.

    ``admin_urls`` has the superuser's URL of an alias of ``databases`` where one was given.
    """

    databases: dict[str, Any]
    cells: dict[str, Cell]
    admin_urls: dict[str, str]


def databases_for(env: Environment, urls: ServiceUrls, *, own_cells: Sequence[Cell] = ()) -> Layout:
    """The layout from the environment; ``own_cells`` are used where it names none.

    Without either there is one cell, a database beside the control plane's.
    """
    cells = env.cells or list(own_cells) or [cell_beside(urls, 1)]
    template_url = env.template_database_url or (beside(urls.owner, "_template") if urls.owner else "")
    pool = {"min_size": 0, "max_size": env.db_pool_max, "timeout": 10, "max_lifetime": 1800}
    login: dict[str, Any] = {"pool": pool} if env.db_pool_max else {}
    databases = {
        "default": connection(urls.login, PLAIN_BACKEND, options=login),
        "default_owner": connection(urls.owner, PLAIN_BACKEND),
        "template": connection(
            template_url, PLAIN_BACKEND, options={"options": f"-c search_path={TEMPLATE_SCHEMA},public"}
        ),
    }
    admins = {
        "default_owner": urls.admin,
        "template": beside(urls.admin, "_template") if urls.admin else None,
    }
    for cell in cells:
        databases[cell.alias] = connection(cell.url, TENANT_BACKEND, options=login)
        databases[f"{cell.alias}_owner"] = connection(cell.owner_url, PLAIN_BACKEND)
        if cell.replica_url:
            databases[f"{cell.alias}_replica"] = connection(
                cell.replica_url, TENANT_BACKEND, options=login | READING
            )
        admins[f"{cell.alias}_owner"] = cell.admin_url or admin_url_of(cell, urls.admin)
    return Layout(
        databases, {cell.alias: cell for cell in cells}, {name: url for name, url in admins.items() if url}
    )


def cell_beside(urls: ServiceUrls, number: int, **policy: Any) -> Cell:
    """A cell in a database beside the control plane's, on the same server."""
    suffix = f"_cell_{number}"
    return Cell(
        alias=suffix[1:], url=beside(urls.login, suffix), owner_url=beside(urls.owner, suffix) if urls.owner else "",
        admin_url=beside(urls.admin, suffix) if urls.admin else None, **policy,
    )  # fmt: skip


def admin_url_of(cell: Cell, admin_url: str | None) -> str | None:
    """The superuser's URL of a cell that stands on the control plane's own server."""
    own, admin = urlsplit(cell.owner_url), urlsplit(admin_url or "")
    if not admin_url or (own.hostname, own.port) != (admin.hostname, admin.port):
        return None
    return urlunsplit(admin._replace(path=own.path))


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
