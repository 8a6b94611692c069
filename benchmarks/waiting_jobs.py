"""The job of `benchmarks.many_waiting`, for the worker processes that run it."""

import time

from tenants.dispatch import Work, tenant_job

KIND = "bench.busy"


@tenant_job(KIND)
def busy(work: Work) -> None:
    """Take as long as ``payload["seconds"]`` says."""
    time.sleep(float(work.payload["seconds"]))
