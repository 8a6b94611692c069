"""The state in the top bar, asked for again every few seconds by every page."""

import hashlib

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from tenants.foundation.console import top_badge_for


@login_not_required
@require_safe
def top_badge(request: HttpRequest) -> HttpResponse:
    """The badge as a fragment; 304 while it says the same, 204 once nobody is signed in any more."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return HttpResponse(status=204)
    badge = top_badge_for(request)
    etag = f'"{hashlib.sha256(repr((user.pk, badge)).encode()).hexdigest()[:32]}"'
    unchanged = get_conditional_response(request, etag=etag)
    if unchanged is not None:
        return unchanged
    response = render(request, "console/shell/top_badge.html", {"badge": badge})
    response.headers["ETag"] = etag
    response.headers["Cache-Control"] = "private, no-cache"
    return response
