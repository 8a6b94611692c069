"""Changes that wait for a second person."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_sign_in_links")]
    operations = []
