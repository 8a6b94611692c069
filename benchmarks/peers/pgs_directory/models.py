"""A tenant and its host, as django-pgschemas wants them."""

from django.db import models
from django_pgschemas.models import TenantModel
from django_pgschemas.routing.models import DomainModel


class Company(TenantModel):
    """A tenant; ``name`` as ours has one."""

    name = models.CharField(max_length=120)

    class Meta:
        app_label = "pgs_directory"


class Host(DomainModel):
    """A host name of a tenant."""

    class Meta:
        app_label = "pgs_directory"
