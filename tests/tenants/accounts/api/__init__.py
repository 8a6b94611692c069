"""Tests of tenants.accounts.api."""
