"""Operators of the platform whom the company has let in for a time: what they may do, and what they did."""
