"""Single tasks and projects shared with people and groups: guardian's direct tables, with our own permission codes."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from tenants.foundation.ids import uuid7


class _UserShare(UserObjectPermissionBase):
    """A share of a person.

    `permission` is a code of our catalogue where guardian has a key to Django's permissions: a company's rows point
    to nothing outside its schema, so they can be moved and restored anywhere (decision 0022).
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    permission = models.CharField(max_length=80)  # type: ignore[assignment]
    expires_at = models.DateTimeField(null=True, blank=True)
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    # guardian's manager looks permissions up by content type; services write these rows.
    objects: ClassVar[models.Manager[Any]] = models.Manager()  # type: ignore[assignment]

    class Meta(UserObjectPermissionBase.Meta):
        abstract = True

    def __str__(self) -> str:
        return f"{self.permission} {self.pk}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save without guardian's look at content types: the code says what it is for."""
        models.Model.save(self, *args, **kwargs)


class _GroupShare(GroupObjectPermissionBase):
    """A share of a group; otherwise as a person's."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    permission = models.CharField(max_length=80)  # type: ignore[assignment]
    expires_at = models.DateTimeField(null=True, blank=True)
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    group = models.ForeignKey(  # type: ignore[assignment]
        "accounts.Group", on_delete=models.CASCADE, related_name="+"
    )
    objects: ClassVar[models.Manager[Any]] = models.Manager()  # type: ignore[assignment]

    class Meta(GroupObjectPermissionBase.Meta):
        abstract = True

    def __str__(self) -> str:
        return f"{self.permission} {self.pk}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save without guardian's look at content types: the code says what it is for."""
        models.Model.save(self, *args, **kwargs)


class TaskUserShare(_UserShare):
    """One permission for one task, for one person."""

    content_object = models.ForeignKey("tasks.Task", on_delete=models.CASCADE, related_name="user_shares")

    class Meta(_UserShare.Meta):
        abstract = False


class TaskGroupShare(_GroupShare):
    """One permission for one task, for a group."""

    content_object = models.ForeignKey("tasks.Task", on_delete=models.CASCADE, related_name="group_shares")

    class Meta(_GroupShare.Meta):
        abstract = False


class ProjectUserShare(_UserShare):
    """One permission for one project and the tasks in it, for one person."""

    content_object = models.ForeignKey("tasks.Project", on_delete=models.CASCADE, related_name="user_shares")

    class Meta(_UserShare.Meta):
        abstract = False


class ProjectGroupShare(_GroupShare):
    """One permission for one project and the tasks in it, for a group."""

    content_object = models.ForeignKey("tasks.Project", on_delete=models.CASCADE, related_name="group_shares")

    class Meta(_GroupShare.Meta):
        abstract = False
