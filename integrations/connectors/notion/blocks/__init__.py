"""Notion's blocks as markdown and back: what the engine shows, compares and writes of a page's text."""
