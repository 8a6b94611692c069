"""A tenant and its host, as django-tenants wants them."""

from django.db import models
from django_tenants.models import DomainMixin, TenantMixin


class Company(TenantMixin):
    """A tenant; ``name`` as ours has one."""

    name = models.CharField(max_length=120)

    class Meta:
        app_label = "dt_directory"


class Host(DomainMixin):
    """A host name of a tenant."""

    class Meta:
        app_label = "dt_directory"
