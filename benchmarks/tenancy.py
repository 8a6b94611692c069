"""What a tenant's scope costs per request, and how long a new tenant takes.

Plain Django and ours answer the same view in the same process, interleaved: plain reads the same table through
Django's own backend with a fixed search_path and no middleware; ours finds the tenant by host, opens the request's
transaction and sets role and search_path. Only the ratios are promises.
"""

import secrets
import time
from collections.abc import Callable
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import connections
from django.test.utils import override_settings

from benchmarks import bench_urls
from benchmarks.results import median, milliseconds, save
from tenants.accounts.models import Department
from tenants.lifecycle.onboarding import onboard_tenant
from tenants.models import Tenant
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tenants.tenancy.preparing import prepare
from tenants.tenancy.provisioning import drop_schema, opaque_name, provision_schema

ROUNDS, PER_ROUND, TENANTS = 60, 40, 5
OURS = [
    "tenants.tenancy.middleware.TenantMiddleware",
    "tenants.tenancy.middleware.TransactionMiddleware",
]


def main() -> None:
    prepare()
    companies = [company(number) for number in range(TENANTS)]
    try:
        figures: dict[str, Any] = {
            "request": request_cost([c.ref for c in companies]),
            "new_tenant": creation_cost(),
        }
    finally:
        for made in companies:
            drop_schema(made)
            made.delete()
    path = save("tenancy", (__doc__ or "").strip(), figures)
    for name, row in figures["request"].items():
        print(
            f"{name}: plain {row['plain_ms']} ms, ours {row['ours_ms']} ms, ratio {row['ratio']} (≤ {row['limit']})"
        )
    print(f"new tenant: {figures['new_tenant']['schema_median_s']} s median (≤ 0.5 s) → {path.name}")


def company(number: int) -> Tenant:
    slug = f"bench-{secrets.token_hex(3)}"
    done = onboard_tenant(
        slug=slug, name=f"Bench {number}", owner_email=f"o@{slug}.example", owner_name="Bench Owner",
        owner_password=secrets.token_urlsafe(16),
    )  # fmt: skip
    with tenant_scope(done.tenant), atomic():
        Department.objects.bulk_create(Department(name=f"D{n}", key=f"D{n}") for n in range(5))
    return Tenant.objects.get(pk=done.tenant.id)


def request_cost(refs: list[TenantRef]) -> dict[str, dict[str, float]]:
    """Medians per request of both ways, interleaved round by round."""
    with override_settings(ROOT_URLCONF="benchmarks.bench_urls"):
        plain, ours = handler([]), handler(OURS)
        plain_alias = plain_connection(refs[0])

        def ask_plain(count: int, number: int) -> None:
            bench_urls.ALIAS["name"] = plain_alias
            call(plain, f"/{count}/", "plain.localhost")

        def ask_ours(count: int, number: int) -> None:
            bench_urls.ALIAS["name"] = None
            call(ours, f"/{count}/", f"{refs[number % len(refs)].slug}.{settings.BASE_DOMAIN}")

        result: dict[str, dict[str, float]] = {}
        for count, limit in ((1, 1.45), (10, 1.15)):
            times: dict[str, list[float]] = {"plain": [], "ours": []}
            ways: list[tuple[str, Callable[[int, int], None]]] = [("plain", ask_plain), ("ours", ask_ours)]
            for way in ways:  # warm both
                for number in range(20):
                    way[1](count, number)
            for round_number in range(ROUNDS):
                for name, ask in ways if round_number % 2 else reversed(ways):
                    for number in range(PER_ROUND):
                        started = time.perf_counter()
                        ask(count, number)
                        times[name].append(time.perf_counter() - started)
            slow, fast = median(times["ours"]), median(times["plain"])
            result[f"{count} queries"] = {
                "plain_ms": milliseconds(fast), "ours_ms": milliseconds(slow),
                "ratio": round(slow / fast, 3), "limit": limit,
            }  # fmt: skip
    connections[plain_alias].close()
    return result


def handler(middleware: list[str]) -> WSGIHandler:
    with override_settings(MIDDLEWARE=middleware):
        return WSGIHandler()


def plain_connection(ref: TenantRef) -> str:
    """An alias of Django's own backend on the same cell, its search_path fixed to one tenant."""
    alias = f"{ref.cell}_owner"
    connections[alias].close()
    connections[alias].settings_dict["CONN_HEALTH_CHECKS"] = (
        False  # Django's default; ours asks no one either
    )
    connections[alias].settings_dict["OPTIONS"]["options"] = f"-c search_path={ref.schema}"
    return alias


def call(application: WSGIHandler, path: str, host: str) -> None:
    environment: dict[str, Any] = {
        "REQUEST_METHOD": "GET", "PATH_INFO": path, "SERVER_NAME": "localhost", "SERVER_PORT": "80",
        "HTTP_HOST": host, "wsgi.input": BytesIO(), "wsgi.errors": BytesIO(), "wsgi.url_scheme": "http",
    }  # fmt: skip
    statuses: list[str] = []

    def start(status: str, headers: list[tuple[str, str]], error: Any = None, /) -> Callable[[bytes], object]:
        statuses.append(status)
        return lambda data: None

    response = application(environment, start)
    body = b"".join(response)
    response.close()
    if statuses[0] != "200 OK" or body == b"0":
        raise RuntimeError(f"{path} on {host}: {statuses[0]} {body!r}")


def creation_cost(count: int = 20) -> dict[str, float]:
    """Seconds for role, schema, tables, grants and ledger of a new tenant, from the template's script."""
    seconds = []
    for _ in range(count):
        name = opaque_name()
        tenant = Tenant.objects.create(
            slug=f"bench-{secrets.token_hex(4)}", name="Bench", cell=settings.CELLS[0], schema=name, role=name
        )
        started = time.perf_counter()
        provision_schema(tenant)
        seconds.append(time.perf_counter() - started)
        drop_schema(tenant)
        tenant.delete()
    return {
        "schema_median_s": round(median(seconds), 3),
        "schema_max_s": round(max(seconds), 3),
        "limit_s": 0.5,
    }
