"""Tests of tenants.accounts.access."""
