"""The settings of processes that a test starts: the test's own databases, and a Notion the test names."""

import os

from config.settings.base import ENV
from config.settings.test import *  # noqa: F403

NOTION_BASE_URL = ENV.notion_base_url
# A message nobody took is sent again soon, and nobody polls in the middle of a test unless the test wants it.
DISPATCH_HANDED_SECONDS = int(os.environ.get("HANDED_SECONDS", "2"))
SYNC_POLL_SECONDS = ENV.sync_poll_seconds
