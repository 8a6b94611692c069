"""Operators enter companies by grant alone."""
