"""Inviting people by a link."""
