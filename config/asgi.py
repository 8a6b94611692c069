"""The ASGI application, for servers that stream."""

import os

from django.core.asgi import get_asgi_application
from django.db import connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")
application = get_asgi_application()
# Each request has a thread of its own here, which ends with it: a connection kept in it would serve nobody.
for parts in connections.settings.values():
    parts["CONN_MAX_AGE"] = 0
