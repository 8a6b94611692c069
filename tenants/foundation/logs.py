"""How every process logs: a structured line per event, with ids of who and what, and with secrets masked."""

import json
import logging
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

from tenants.foundation import metrics, redaction

_HANDLER_NAME = "nts"
# These say at INFO what we say better ourselves, or put addresses with queries into their lines.
_QUIET_LOGGERS = ("httpx", "httpx2", "httpcore", "httpcore2", "urllib3", "asyncio", "django.server")


def _count(_logger: Any, name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    metrics.LOG_EVENTS.labels(level=str(event.get("level", name))).inc()
    return event


def _to_json(event: Any, **_: Any) -> str:
    return json.dumps(event, default=str, ensure_ascii=False)


def configure_logging(level: str = "INFO", as_json: bool = True, stream: TextIO | None = None) -> None:
    """Send all logging, ours and the standard library's, to one stream (standard error).

    Lines hold `event`, `level`, `logger`, `timestamp` (UTC) and what is bound: `request_id`, `tenant`,
    `user`, `job`.
    May be called again; the last call counts.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(serializer=_to_json)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.set_name(_HANDLER_NAME)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                # The traceback becomes text before it is masked, so that no secret hides in its lines.
                structlog.processors.format_exc_info,
                redaction.processor,
                _count,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [known for known in root.handlers if known.get_name() != _HANDLER_NAME] + [handler]
    root.setLevel(level)
    for name in _QUIET_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    # A refused request has its line from us; what Django adds is worth reading only for a crash.
    logging.getLogger("django.request").setLevel(logging.ERROR)
