"""Tests of tenants.accounts."""
