"""What the sync engine tells Prometheus."""

from prometheus_client import Counter, Histogram

CALLS = Counter("sync_calls_total", "Calls to outside task sources.", ["service", "operation", "status"])
RECORDS = Counter("sync_records_total", "Records read, by what became of them.", ["outcome"])
RUNS = Counter("sync_runs_total", "Sync runs that ended.", ["kind", "state"])
RUN_SECONDS = Histogram("sync_run_seconds", "How long sync runs took.", ["kind"])
