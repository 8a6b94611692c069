"""A worker's metrics: what its processes counted is answered by the one that serves."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

COUNTING = "from prometheus_client import Counter; Counter('nts_example', 'An example.').inc(3)"
SERVING = """
import sys, http.client
from config.worker_metrics import serve_metrics
port = serve_metrics("127.0.0.1:0", sys.argv[1])
connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
connection.request("GET", "/metrics")
print(connection.getresponse().read().decode())
"""


def run(code: str, folder: Path) -> str:
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_one_answer_sums_up_what_several_processes_counted(tmp_path: Path) -> None:
    run(COUNTING, tmp_path)
    run(COUNTING, tmp_path)
    assert "nts_example_total 6.0" in run(SERVING, tmp_path)


def test_a_missing_folder_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        run(SERVING, tmp_path / "missing")
    assert "ValueError" in caught.value.stderr
