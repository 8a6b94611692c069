"""Tests of tenants.accounts.sessions."""
