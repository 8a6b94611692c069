"""Operators of the platform enter a company only by a grant that it gives, sees, and can take back at any moment."""
