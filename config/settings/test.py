"""The test suite: databases of its own per worker, quick password hashes, nothing sent, nothing fetched."""

import os
from dataclasses import replace

from config.databases import cell_beside
from config.settings.base import *  # noqa: F403
from config.settings.base import ENV, VAR_DIR, file_storage, use_services
from config.settings.services import development_services

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
SECRET_KEY, KEY_ENCRYPTION_KEY, TOKEN_PEPPER, _urls = development_services(
    ENV, VAR_DIR, database=f"nts_test_{WORKER}"
)
# Each worker has a Valkey database of its own, so that clearing one disturbs nobody.
_urls = replace(
    _urls, redis=_urls.redis.rsplit("/", 1)[0] + f"/{1 + int(WORKER.removeprefix('gw') or 0) % 15}"
)
# Companies go to the first cell, so that two of them meet in one; the second takes those that are moved or ask for it.
globals().update(use_services(_urls, [cell_beside(_urls, 1), cell_beside(_urls, 2, region="elsewhere")]))
TENANT_ROLE_PREFIX = f"x{WORKER}_"
SPARE_SCHEMAS = 0  # a test that wants spares makes them
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
STORAGES = {
    "default": file_storage(VAR_DIR / f"files-test-{WORKER}"),
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_AUTOREFRESH = True
OUTBOUND_ALLOWED_PRIVATE_HOSTS = ["127.0.0.1", "localhost"]
NOTION_BASE_URL = "http://127.0.0.1:1"  # nobody answers there: a test that reads Notion starts a sandbox
# Tests count the queries of pages: a note that is written once a day would be one of them, sometimes.
ACCESS_NOTES_USES = False
