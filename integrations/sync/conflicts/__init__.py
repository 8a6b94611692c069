"""Conflicts: what both sides changed, kept with all three values until somebody has looked at it."""
