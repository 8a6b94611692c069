"""The JSON door to a company as a whole."""
