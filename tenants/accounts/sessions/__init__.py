"""Sessions that belong to one company."""
