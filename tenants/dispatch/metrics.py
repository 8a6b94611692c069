"""What dispatch shows to Prometheus: how much waits, how long it waits, how it ends."""

from prometheus_client import Counter, Gauge, Histogram

_WAITS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)

JOB_RUNNABLE = Gauge(
    "nts_job_runnable", "Jobs that are due and not yet handed out.", ["cell"], multiprocess_mode="mostrecent"
)
JOB_IN_FLIGHT = Gauge(
    "nts_job_in_flight", "Jobs handed out or running.", ["cell"], multiprocess_mode="mostrecent"
)
JOB_DEAD = Gauge(
    "nts_job_dead", "Jobs given up and not yet looked at.", ["cell"], multiprocess_mode="mostrecent"
)
JOB_OLDEST_AGE = Gauge(
    "nts_job_oldest_age_seconds",
    "For how long the oldest due job has waited.",
    ["cell"],
    multiprocess_mode="mostrecent",
)
JOBS_DONE = Counter("nts_jobs_done_total", "Runs of jobs, by kind and outcome.", ["cell", "kind", "outcome"])
JOB_WAIT = Histogram("nts_job_wait_seconds", "From due to started.", ["cell"], buckets=_WAITS)
JOB_SECONDS = Histogram("nts_job_seconds", "Time a run took.", ["cell", "kind"], buckets=_WAITS)
JOBS_HANDED = Counter("nts_jobs_handed_total", "Jobs handed to Celery.", ["cell"])
JOBS_RECOVERED = Counter(
    "nts_jobs_recovered_total", "Jobs the sweeper found: lost messages and dead workers.", ["cell", "reason"]
)
DISPATCHER_LAST_PASS = Gauge(
    "nts_dispatcher_last_pass_timestamp_seconds", "When a dispatcher last looked.", ["cell"],
    multiprocess_mode="mostrecent",
)  # fmt: skip
CELL_UP = Gauge(
    "nts_cell_up", "Whether the cell's database answers the dispatcher: 1 or 0.", ["cell"],
    multiprocess_mode="mostrecent",
)  # fmt: skip
