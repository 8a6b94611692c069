"""The migrations of ``tasks`` and one more: Django looks for migrations in every folder of a package's path."""

from pathlib import Path

import tasks.migrations

__path__ = [str(Path(tasks.migrations.__path__[0])), str(Path(__file__).parent)]
