"""``python -m benchmarks.peers``: a worker process; its system is named by the environment."""

import importlib
import os

import django

os.environ.setdefault("LOG_LEVEL", "ERROR")
os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.peers.settings"
django.setup()
importlib.import_module("benchmarks.peers.worker").main()
