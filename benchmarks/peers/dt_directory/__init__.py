"""The tenants of django-tenants."""
