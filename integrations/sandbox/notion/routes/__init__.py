"""The endpoints of the API, one file per resource; each function answers one call."""
