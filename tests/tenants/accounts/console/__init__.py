"""Tests of tenants.accounts.console."""
