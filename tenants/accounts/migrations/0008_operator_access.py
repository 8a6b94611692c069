"""Operators who were let in for a time."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0007_proposed_changes")]
    operations = []
