"""Domains of a company's own, with proof."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("tenants", "0004_signups")]
    operations = []
