"""Production: everything from the environment, HTTPS only, no embedded service."""

from config.databases import ServiceUrls
from config.env import require_for_production
from config.settings.base import *  # noqa: F403
from config.settings.base import ENV, use_services

require_for_production(ENV)
globals().update(
    use_services(
        ServiceUrls(
            ENV.database_url or "", ENV.database_owner_url or "", ENV.redis_url or "", ENV.database_admin_url
        )
    )
)
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-session", "__Host-csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
SECURE_SSL_REDIRECT = True
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]
SECURE_HSTS_SECONDS = 31_536_000
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
