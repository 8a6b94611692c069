"""Domains of a company's own: claimed, proved by DNS twice over, looked up again every day."""
