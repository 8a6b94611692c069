"""When a directory's key was last warned of."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0010_ended_by_the_provider")]

    operations = []
