"""Approvals, and comments that clients may read."""

import django.db.models.deletion
import tenants.foundation.ids
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Approvals with their approvers and answers; comments are the company's own unless they are shared."""

    dependencies = [
        ('accounts', '0002_access'),
        ('tasks', '0002_shares'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='comment',
            name='is_shared',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AlterField(
            model_name='taskactivity',
            name='verb',
            field=models.CharField(choices=[('created', 'Created'), ('updated', 'Updated'), ('moved', 'Moved'), ('archived', 'Archived'), ('restored', 'Restored'), ('synced', 'Synced'), ('approval_asked', 'Approval asked'), ('approval_given', 'Approved'), ('approval_denied', 'Not approved'), ('approval_gone', 'Approval withdrawn')], max_length=16),
        ),
        migrations.CreateModel(
            name='ApprovalRequest',
            fields=[
                ('id', models.UUIDField(default=tenants.foundation.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('text', models.TextField()),
                ('rule', models.CharField(choices=[('any', 'Any one of them'), ('all', 'All of them')], default='any', max_length=8)),
                ('due_on', models.DateField(blank=True, null=True)),
                ('state', models.CharField(choices=[('requested', 'Waiting'), ('approved', 'Approved'), ('changes_requested', 'Changes asked for'), ('refused', 'Refused'), ('withdrawn', 'Withdrawn')], default='requested', max_length=20)),
                ('asked_by_name', models.CharField(max_length=200)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('decided_at', models.DateTimeField(blank=True, null=True)),
                ('asked_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('milestone', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='approvals', to='tasks.milestone')),
                ('project', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='approvals', to='tasks.project')),
                ('task', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='approvals', to='tasks.task')),
            ],
            options={
                'ordering': ['-created_at', '-id'],
            },
        ),
        migrations.CreateModel(
            name='ApprovalDecision',
            fields=[
                ('id', models.UUIDField(default=tenants.foundation.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('user_name', models.CharField(max_length=200)),
                ('answer', models.CharField(choices=[('approved', 'Approved'), ('changes_requested', 'Changes asked for'), ('refused', 'Refused')], max_length=20)),
                ('note', models.TextField(blank=True, default='')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('user', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('request', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='decisions', to='tasks.approvalrequest')),
            ],
            options={
                'ordering': ['created_at', 'id'],
            },
        ),
        migrations.CreateModel(
            name='ApprovalApprover',
            fields=[
                ('id', models.UUIDField(default=tenants.foundation.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('group', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.group')),
                ('user', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('request', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='approvers', to='tasks.approvalrequest')),
            ],
        ),
        migrations.AddIndex(
            model_name='approvalrequest',
            index=models.Index(condition=models.Q(('state', 'requested')), fields=['created_at', 'id'], name='tasks_approval_open'),
        ),
        migrations.AddIndex(
            model_name='approvalrequest',
            index=models.Index(fields=['created_at', 'id'], name='tasks_approval_by_time'),
        ),
        migrations.AddConstraint(
            model_name='approvalrequest',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('milestone__isnull', True), ('project__isnull', True), ('task__isnull', False)), models.Q(('milestone__isnull', False), ('project__isnull', True), ('task__isnull', True)), models.Q(('milestone__isnull', True), ('project__isnull', False), ('task__isnull', True)), _connector='OR'), name='tasks_approval_about_one_thing'),
        ),
        migrations.AddConstraint(
            model_name='approvalrequest',
            constraint=models.CheckConstraint(condition=models.Q(('text', ''), _negated=True), name='tasks_approval_has_text'),
        ),
        migrations.AddConstraint(
            model_name='approvalrequest',
            constraint=models.CheckConstraint(condition=models.Q(('rule__in', ['any', 'all'])), name='tasks_approval_rule_known'),
        ),
        migrations.AddConstraint(
            model_name='approvalrequest',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('decided_at__isnull', True), ('state', 'requested')), models.Q(('decided_at__isnull', False), ('state__in', ['approved', 'changes_requested', 'refused', 'withdrawn'])), _connector='OR'), name='tasks_approval_decided_when_over'),
        ),
        migrations.AddConstraint(
            model_name='approvaldecision',
            constraint=models.UniqueConstraint(fields=('request', 'user'), name='tasks_decision_once'),
        ),
        migrations.AddConstraint(
            model_name='approvaldecision',
            constraint=models.CheckConstraint(condition=models.Q(('answer__in', ['approved', 'changes_requested', 'refused'])), name='tasks_decision_known'),
        ),
        migrations.AddConstraint(
            model_name='approvalapprover',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('group__isnull', True), ('user__isnull', False)), models.Q(('group__isnull', False), ('user__isnull', True)), _connector='OR'), name='tasks_approver_is_one'),
        ),
        migrations.AddConstraint(
            model_name='approvalapprover',
            constraint=models.UniqueConstraint(fields=('request', 'user'), name='tasks_approver_person_once'),
        ),
        migrations.AddConstraint(
            model_name='approvalapprover',
            constraint=models.UniqueConstraint(fields=('request', 'group'), name='tasks_approver_group_once'),
        ),
    ]
