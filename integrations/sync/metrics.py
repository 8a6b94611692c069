"""What the sync engine tells Prometheus."""

from prometheus_client import Counter, Histogram

CALLS = Counter("nts_sync_calls_total", "Calls to outside task sources.", ["service", "operation", "status"])
RECORDS = Counter("nts_sync_records_total", "Records read, by what became of them.", ["outcome"])
PUSHES = Counter(
    "nts_sync_pushes_total", "Changes sent, by kind and what became of them.", ["kind", "outcome"]
)
RUNS = Counter("nts_sync_runs_total", "Sync runs that ended.", ["kind", "state"])
RUN_SECONDS = Histogram("nts_sync_run_seconds", "How long sync runs took.", ["kind"])
