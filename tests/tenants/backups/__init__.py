"""Tests of the backups; the slow ones have a PostgreSQL of their own."""
