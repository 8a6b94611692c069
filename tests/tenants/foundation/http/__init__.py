"""Tests of tenants.foundation.http."""
