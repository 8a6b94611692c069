"""Sends wake-up tickets through Celery: a cell's name and a row's id, nothing else."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import structlog
from celery import Celery
from django.conf import settings
from django.utils.module_loading import import_string
from kombu import Connection, Producer

log = structlog.get_logger(__name__)
TASK = "tenants.dispatch.run_work_item"
PLATFORM_QUEUE = "platform"
CONNECT_SECONDS = 3


class BrokerDown(Exception):
    """The broker did not take every message; ``unsent`` are the rows whose messages are missing."""

    def __init__(self, unsent: Sequence[UUID], cause: Exception) -> None:
        super().__init__(f"The broker did not take {len(unsent)} messages: {cause}")
        self.unsent = list(unsent)


class Sender:
    """One connection to the broker, opened when needed and thrown away when anything goes wrong on it.

    Celery's own pools retry for long and, once forced closed, stay so; a dispatcher must neither hang nor
    need a restart.
    """

    def __init__(self, app: Celery | None = None) -> None:
        # Named in the settings, so that no package imports config.
        self._app: Celery = app or import_string(settings.DISPATCH_CELERY_APP)
        self._connection: Connection | None = None
        self._opened: tuple[Producer, Any] | None = None

    def send(self, cell: str, items: Sequence[UUID], queue: str = "") -> None:
        """Send one message per row, in order, to a queue (the default one when none is named).

        Raises: BrokerDown with the rows that were not sent.
        """
        sent = 0
        try:
            producer, channel = self._open()
            # A wiped Valkey has forgotten the queue's binding, and this process would not notice.
            name = queue or self._app.conf.task_default_queue
            self._app.amqp.queues[name].bind(channel).declare()
            for item_id in items:
                self._app.send_task(
                    TASK,
                    args=(cell, str(item_id)),
                    queue=name,
                    producer=producer,
                    retry=False,
                    ignore_result=True,
                )
                sent += 1
        except Exception as error:
            self.close()
            raise BrokerDown(items[sent:], error) from error

    def close(self) -> None:
        """Give the connection up; the next message opens another."""
        connection, self._connection, self._opened = self._connection, None, None
        if connection is None:
            return
        try:
            connection.release()
        except Exception as error:
            log.info("broker.release_failed", error=str(error))

    def _open(self) -> tuple[Producer, Any]:
        if self._opened is not None:
            return self._opened
        self._connection = self._app.connection_for_write(connect_timeout=CONNECT_SECONDS)
        self._connection.ensure_connection(max_retries=1, timeout=CONNECT_SECONDS)
        channel = self._connection.channel()
        self._opened = self._app.amqp.Producer(channel, auto_declare=False), channel
        return self._opened
