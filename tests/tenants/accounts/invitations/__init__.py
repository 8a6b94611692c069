"""Tests of tenants.accounts.invitations."""
