"""Tests of tenants.foundation.api."""
