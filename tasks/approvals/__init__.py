"""Asking for a yes to tasks, milestones and projects, and answering."""
