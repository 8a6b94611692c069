"""Tests of tenants.foundation.crypto."""
