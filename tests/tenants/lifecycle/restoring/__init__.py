"""Tests of bringing one company back."""
