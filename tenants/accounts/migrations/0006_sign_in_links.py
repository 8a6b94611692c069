"""Sign-ins by a link in a letter."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_scim")]
    operations = []
