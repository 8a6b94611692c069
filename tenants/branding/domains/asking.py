"""`/certificates/ask`: may a certificate be got for this domain? For the proxy in front of us."""

import hmac
import re
import time
from collections.abc import Callable
from typing import Final

import structlog
from django.conf import settings
from django.core.cache import caches
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.http.response import HttpResponseBase

from tenants.models import CustomDomain, Tenant

log = structlog.get_logger(__name__)
PATH: Final = "/certificates/ask"
# A certificate is asked for once in two months; more than this is somebody who tries names.
MOST_A_MINUTE: Final = 120
_NAME: Final = re.compile(r"[a-z0-9.-]{1,253}\Z")


class CertificateAskMiddleware:
    """Answers 200 for a proved domain of a company that is open, 404 for every other, and to nobody without the secret.

    It stands before the company is looked for: the proxy asks under whatever host it knows this server by.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the proxy, and leave everybody else alone."""
        return _answer(request) if request.path_info == PATH else self._get_response(request)


def _answer(request: HttpRequest) -> HttpResponse:
    # Without the secret this address does not exist.
    if request.method != "GET" or not _knows_the_secret(request):
        return HttpResponseNotFound()
    if _asks_too_often():
        return HttpResponse(status=429, headers={"Retry-After": "60"})
    host = request.GET.get("domain", "").lower()
    is_proved = bool(_NAME.match(host)) and may_have_certificate(host)
    log.info("certificate.asked", host=host[:253], is_allowed=is_proved)
    return HttpResponse("ok", content_type="text/plain") if is_proved else HttpResponseNotFound()


def may_have_certificate(host: str) -> bool:
    """Whether the domain is proved, of a company that is not about to go."""
    rows = CustomDomain.objects.filter(host=host, state__in=CustomDomain.PROVED)
    gone = (Tenant.State.DELETED, Tenant.State.PENDING_DELETION)
    return rows.exclude(tenant__state__in=gone).exists()


def _knows_the_secret(request: HttpRequest) -> bool:
    """By header, or in the query for proxies that can send none (Caddy's `ask`)."""
    kept: str = settings.CERTIFICATE_ASK_SECRET
    shown = request.headers.get("Authorization", "").removeprefix("Bearer ") or request.GET.get("token", "")
    return bool(kept) and hmac.compare_digest(kept.encode(), shown.encode())


def _asks_too_often() -> bool:
    key = f"certificate-ask:{int(time.time() // 60)}"
    cache = caches["platform"]
    cache.add(key, 0, 120)
    return bool(cache.incr(key) > MOST_A_MINUTE)
