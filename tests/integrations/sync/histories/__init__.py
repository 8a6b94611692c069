"""Random histories of one workspace and its company: what happens in them, and what must be true at rest."""
