"""A company's own mail server for its letters."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("branding", "0001_initial")]

    operations = []
