"""The metrics of a Celery worker: its processes put them into one folder, its parent answers for all."""

import os

import structlog
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector

log = structlog.get_logger(__name__)


def serve_metrics(listen: str, folder: str) -> int:
    """Answer Prometheus at ``listen`` (``address:port``, port 0 for any) from ``folder``; returns the port.

    Raises: OSError when the port is taken, ValueError when ``folder`` is missing.
    """
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=folder)  # type: ignore[no-untyped-call]
    address, _, port = listen.rpartition(":")
    server, _thread = start_http_server(int(port), addr=address, registry=registry)
    log.info("worker.metrics_served", listen=listen, pid=os.getpid())
    return int(server.server_port)
