"""Tests of tenants.accounts.tokens."""
