"""Development and the demo: embedded services unless the environment names others, plain HTTP, readable errors."""

from config import embedded
from config.databases import cell_beside
from config.settings.base import *  # noqa: F403
from config.settings.base import ENV, FILES_DIR, VAR_DIR, file_storage, use_services
from config.settings.services import OWN_CELLS, development_services

DEBUG = False
SECRET_KEY, KEY_ENCRYPTION_KEY, TOKEN_PEPPER, _urls = development_services(ENV, VAR_DIR)
globals().update(use_services(_urls, [cell_beside(_urls, number) for number in range(1, OWN_CELLS + 1)]))
SESSION_COOKIE_NAME = "session"
# The embedded services that were not running before this process came.
EMBEDDED_STARTED_HERE = embedded.STARTED_HERE
# Names with fingerprints as in production, but uncompressed: squeezing everything with Brotli takes half a minute.
STORAGES = {
    "default": file_storage(FILES_DIR),
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"},
}
