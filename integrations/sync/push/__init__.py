"""Sends what was changed here: requests, the sender, what became of each write, and what waits."""
