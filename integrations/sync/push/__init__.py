"""Sends what was changed here: requests, the sender, what became of each write, and what waits.

Whoever locks several rows locks them in one order, each kind by its key: connections, tasks, links, conflicts, pushes.
A worker holds its connection first (`session.hold`); a person who decides begins with the task.
"""
