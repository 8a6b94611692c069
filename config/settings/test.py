"""The test suite: databases of its own per worker, quick password hashes, nothing sent, nothing fetched."""

import os

from config.settings.base import *  # noqa: F403
from config.settings.base import ENV, VAR_DIR, use_services
from config.settings.services import development_services

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
SECRET_KEY, KEY_ENCRYPTION_KEY, TOKEN_PEPPER, _urls = development_services(
    ENV, VAR_DIR, database=f"nts_test_{WORKER}"
)
globals().update(use_services(*_urls))
# Each worker has a Valkey database of its own, so that clearing one disturbs nobody.
REDIS_URL = _urls[2].rsplit("/", 1)[0] + f"/{1 + int(WORKER.removeprefix('gw') or 0) % 15}"
CELERY_BROKER_URL = REDIS_URL
CACHES = use_services(*_urls[:2], REDIS_URL)["CACHES"]
TENANT_ROLE_PREFIX = f"x{WORKER}_"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_AUTOREFRESH = True
OUTBOUND_ALLOWED_PRIVATE_HOSTS = ["127.0.0.1", "localhost"]
NOTION_BASE_URL = "http://127.0.0.1:1"  # nobody answers there: a test that reads Notion starts a sandbox
