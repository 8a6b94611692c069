"""Writes of the main noun: connections and the runs that read them."""

from integrations.services.connections import (
    connect_workspace,
    disconnect_connection,
    pause_connection,
    replace_token,
    resume_connection,
)
from integrations.services.granting import DISCOVER_JOB, accept_grant
from integrations.services.runs import (
    BODIES_JOB,
    POLL_JOB,
    PUSH_JOB,
    RUN_JOB,
    UNSENT_JOB,
    WHOLE_KINDS,
    cancel_run,
    enqueue_pushes,
    enqueue_run,
    enqueue_unsent,
    have_runs_go_on,
    schedule_polls,
    start_sync_run,
    system_run,
)

__all__ = [
    "BODIES_JOB",
    "DISCOVER_JOB",
    "POLL_JOB",
    "PUSH_JOB",
    "RUN_JOB",
    "UNSENT_JOB",
    "WHOLE_KINDS",
    "accept_grant",
    "cancel_run",
    "connect_workspace",
    "disconnect_connection",
    "enqueue_pushes",
    "enqueue_run",
    "enqueue_unsent",
    "have_runs_go_on",
    "pause_connection",
    "replace_token",
    "resume_connection",
    "schedule_polls",
    "start_sync_run",
    "system_run",
]
