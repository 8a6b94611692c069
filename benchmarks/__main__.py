"""``make bench``: run every benchmark, or those named on the command line."""

import importlib
import os
import pkgutil
import sys

import django

import benchmarks

NOT_BENCHMARKS = {"__main__", "results", "bench_urls", "peers", "waiting_jobs"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    django.setup()
    names = sys.argv[1:] or sorted(
        module.name
        for module in pkgutil.iter_modules(benchmarks.__path__)
        if module.name not in NOT_BENCHMARKS
    )
    for name in names:
        print(f"--- {name}", flush=True)
        importlib.import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    main()
