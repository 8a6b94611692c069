"""What is known of a session, second factors, and keys that are rotated."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_access")]

    operations = []
