"""Keys of our side of single sign-on, with roll-over."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0008_operator_access")]
    operations = []
