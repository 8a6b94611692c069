"""One set of settings per system (``BENCH_SYSTEM``): the same apps and tables, another way to switch tenants."""

import os

from config.databases import cell_beside
from config.settings.base import *  # noqa: F403
from config.settings.base import ENV, INSTALLED_APPS, TENANT_APPS, VAR_DIR, use_services
from config.settings.services import development_services

SYSTEM = os.environ["BENCH_SYSTEM"]
DATABASE = {
    "plain": "nts_bench_plain",
    "django_tenants": "nts_bench_dt",
    "django_pgschemas": "nts_bench_pgs",
    "ours": "nts_bench",
}[SYSTEM]
SECRET_KEY, KEY_ENCRYPTION_KEY, TOKEN_PEPPER, _urls = development_services(ENV, VAR_DIR, database=DATABASE)
_layout = use_services(_urls, [cell_beside(_urls, 1)])
ROOT_URLCONF = "benchmarks.bench_urls"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
TENANT_ROLE_PREFIX = "nb_"
# What answers the measured requests; MIDDLEWARE itself stays the product's, whose apps want theirs in it.
BENCH_MIDDLEWARE: list[str] = []
if os.environ.get("BENCH_ONE_MORE_FIELD"):
    MIGRATION_MODULES["tasks"] = "benchmarks.peers.one_more_field"  # noqa: F405


def one_database(engine: str) -> dict[str, object]:
    """The only database of a system that has one, as the owner: it switches no roles and changes tables itself."""
    owner = dict(_layout["DATABASES"]["default_owner"])
    owner["ENGINE"] = engine
    owner["CONN_HEALTH_CHECKS"] = False
    return {"default": owner}


if SYSTEM == "ours":
    globals().update(_layout)
    BENCH_MIDDLEWARE = [
        "tenants.tenancy.middleware.TenantMiddleware",
        "tenants.tenancy.middleware.TransactionMiddleware",
    ]
else:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    CELLS = []
    DATABASE_ROUTERS = []
    REDIS_URL = _urls.redis

if SYSTEM == "plain":
    DATABASES = one_database("django.db.backends.postgresql")

if SYSTEM == "django_tenants":
    SHARED_APPS = [
        "django_tenants",
        "benchmarks.peers.dt_directory",
        *(app for app in INSTALLED_APPS if app not in TENANT_APPS),
    ]
    INSTALLED_APPS = [*SHARED_APPS, *TENANT_APPS]
    DATABASES = one_database("django_tenants.postgresql_backend")
    DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]
    TENANT_MODEL, TENANT_DOMAIN_MODEL = "dt_directory.Company", "dt_directory.Host"
    BENCH_MIDDLEWARE = ["django_tenants.middleware.main.TenantMainMiddleware"]
    TENANT_LIMIT_SET_CALLS = bool(os.environ.get("BENCH_LIMIT_SET_CALLS"))
    TENANT_MULTIPROCESSING_MAX_PROCESSES = 2
    TENANT_BASE_SCHEMA = None if os.environ.get("BENCH_BY_MIGRATE") else "reference"
    TENANT_CREATION_FAKES_MIGRATIONS = not os.environ.get("BENCH_BY_MIGRATE")

if SYSTEM == "django_pgschemas":
    SHARED = [
        "django_pgschemas",
        "benchmarks.peers.pgs_directory",
        *(app for app in INSTALLED_APPS if app not in TENANT_APPS),
    ]
    TENANTS = {
        "public": {"APPS": SHARED},
        "default": {
            "TENANT_MODEL": "pgs_directory.Company",
            "DOMAIN_MODEL": "pgs_directory.Host",
            "APPS": list(TENANT_APPS),
            "URLCONF": "benchmarks.bench_urls",
            **({} if os.environ.get("BENCH_BY_MIGRATE") else {"CLONE_REFERENCE": "reference"}),
        },
    }
    INSTALLED_APPS = [*SHARED, *TENANT_APPS]
    DATABASES = one_database("django_pgschemas.postgresql")
    DATABASE_ROUTERS = ["django_pgschemas.routers.TenantAppsRouter"]
    BENCH_MIDDLEWARE = ["django_pgschemas.routing.middleware.DomainRoutingMiddleware"]
    PGSCHEMAS_LIMIT_SET_CALLS = bool(os.environ.get("BENCH_LIMIT_SET_CALLS"))
    PGSCHEMAS_PARALLEL_MAX_THREADS = 2
    PGSCHEMAS_EXTRA_SEARCH_PATHS: list[str] = []
