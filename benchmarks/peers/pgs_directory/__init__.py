"""The tenants of django-pgschemas."""
