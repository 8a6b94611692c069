"""Tests of tenants.foundation.letters."""
