"""Approvals."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("tasks", "0002_shares")]
    operations = []
