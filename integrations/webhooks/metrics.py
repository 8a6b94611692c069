"""What is counted at the receiving addresses."""

from prometheus_client import Counter

EVENTS = Counter(
    "nts_webhook_events_total", "Posts from outside services, by what became of them.", ["service", "outcome"]
)
