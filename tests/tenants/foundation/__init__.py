"""Tests of tenants.foundation."""
