"""Sends wake-up tickets through Celery: a cell's name and a row's id, nothing else."""

from collections.abc import Sequence
from uuid import UUID

import structlog
from celery import Celery
from django.conf import settings
from django.utils.module_loading import import_string

log = structlog.get_logger(__name__)
TASK = "tenants.dispatch.run_work_item"


class BrokerDown(Exception):
    """The broker did not take every message; ``unsent`` are the rows whose messages are missing."""

    def __init__(self, unsent: Sequence[UUID], cause: Exception) -> None:
        super().__init__(f"The broker did not take {len(unsent)} messages: {cause}")
        self.unsent = list(unsent)


def celery_app() -> Celery:
    """The application config builds; named in the settings, so that no package imports config."""
    app: Celery = import_string(settings.DISPATCH_CELERY_APP)
    return app


def send(cell: str, items: Sequence[UUID]) -> None:
    """Send one message per row, in order.

    Raises: BrokerDown with the rows that were not sent.
    """
    app, sent = celery_app(), 0
    try:
        with app.producer_pool.acquire(block=True, timeout=5) as producer:
            # A wiped Valkey has forgotten the queue's binding, and this process would not notice.
            app.amqp.queues[app.conf.task_default_queue].bind(producer.channel).declare()
            for item_id in items:
                app.send_task(
                    TASK, args=(cell, str(item_id)), producer=producer, retry=False, ignore_result=True
                )
                sent += 1
    except Exception as error:
        app.pool.force_close_all()
        raise BrokerDown(items[sent:], error) from error
