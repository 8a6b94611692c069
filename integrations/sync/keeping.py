"""How long what is told of runs and calls is kept: a quarter of a year, and never less than the newest runs."""

from datetime import timedelta
from typing import Final

import structlog
from django.utils import timezone

from integrations.models import Connection, SyncRun
from integrations.sync.tally import prune_tallies

log = structlog.get_logger(__name__)

KEPT_FOR: Final = timedelta(days=90)
TALLIES_KEPT_FOR: Final = timedelta(days=35)
#: However old they are: whoever looks at a quiet workspace sees what happened last.
KEPT_AT_LEAST: Final = 50
#: At most so many in one transaction; what is left goes the next night.
AT_ONCE: Final = 500


def forget_old_runs(connection: Connection) -> int:
    """Forget runs that ended long ago, with their logs, problems and changes; inside a transaction.

    What a forgotten run changed cannot be undone as a run any more. Returns how many went.
    """
    runs = SyncRun.objects.filter(connection=connection)
    newest = list(runs.order_by("-id").values_list("pk", flat=True)[:KEPT_AT_LEAST])
    ended = runs.filter(finished_at__lt=timezone.now() - KEPT_FOR).exclude(state__in=SyncRun.OPEN_STATES)
    old = list(ended.exclude(pk__in=newest).order_by("id").values_list("pk", flat=True)[:AT_ONCE])
    SyncRun.objects.filter(pk__in=old).delete()
    tallies = prune_tallies(before=timezone.now() - TALLIES_KEPT_FOR)
    if old or tallies:
        log.info("sync.history_forgotten", connection_id=connection.pk, runs=len(old), tallies=tallies)
    return len(old)
