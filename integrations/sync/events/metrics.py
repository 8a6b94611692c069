"""What is counted about events."""

from prometheus_client import Counter

UNTOLD = Counter("nts_webhook_untold_changes_total", "Changes a look found that no event had told of.")
PLANS = Counter("nts_sync_event_plans_total", "How records that events named were read.", ["way"])
PUT_OFF = Counter("nts_sync_events_put_off_total", "Events put off because their record could not be read.")
