"""Domains of a company's own."""
