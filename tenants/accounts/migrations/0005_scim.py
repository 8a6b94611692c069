"""Directories that keep people and groups in step (SCIM)."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_identity_providers")]
    operations = []
