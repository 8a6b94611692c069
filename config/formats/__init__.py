"""Dates and times as the console writes them, where Django's own way is too long or too local."""
