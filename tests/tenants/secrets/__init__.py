"""Tests of tenants.secrets."""
