"""Webhooks the sandbox sends: subscriptions, what changed, payloads, deliveries."""
