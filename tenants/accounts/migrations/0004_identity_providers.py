"""Identity providers, the domains that are theirs, and what they told."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_sessions_and_mfa")]

    operations = []
