"""Describes what a company keeps in its workspaces, version by version."""
