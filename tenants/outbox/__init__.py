"""Domain events: published in the transaction of a change, delivered to whoever listens."""
