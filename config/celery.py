"""The Celery application: it carries wake-up tickets, PostgreSQL remembers the work."""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")
app = Celery("notion_task_sync")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(related_name="jobs")
# Not an app of its own, so it is not found by itself.
app.autodiscover_tasks(["tenants.dispatch"], related_name="jobs")


@setup_logging.connect
def keep_our_logging(**_: Any) -> None:
    """Celery leaves logging alone when somebody listens to this signal: the settings have configured it."""
