"""The Celery application: it carries wake-up tickets, PostgreSQL remembers the work."""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_ready
from django.conf import settings

from config.worker_metrics import serve_metrics

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")
app = Celery("notion_task_sync")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(related_name="jobs")
# Not an app of its own, so it is not found by itself.
app.autodiscover_tasks(["tenants.dispatch"], related_name="jobs")


@setup_logging.connect
def keep_our_logging(**_: Any) -> None:
    """Celery leaves logging alone when somebody listens to this signal: the settings have configured it."""


@worker_ready.connect
def answer_prometheus(**_: Any) -> None:
    """The parent of the worker's processes serves their metrics, once they have been forked."""
    if settings.WORKER_METRICS_LISTEN:
        serve_metrics(settings.WORKER_METRICS_LISTEN, settings.PROMETHEUS_MULTIPROC_DIR)
