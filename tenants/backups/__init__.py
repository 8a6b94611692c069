"""Backups of the database servers: taken, kept, verified, and proved by restoring them."""
