"""Grants by which operators enter a company for a time."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("tenants", "0005_custom_domains")]
    operations = []
