"""What a directory says of a person or a group of ours."""

from django.db import models
from django.db.models import Q

from tenants.foundation.ids import uuid7


class ScimPerson(models.Model):
    """A user as a directory describes them; the directory knows them by the user's own id.

    `attributes` are the SCIM attributes that have no column, as they were sent. A person the directory has deleted
    keeps the row with `deleted_at`: the directory finds nothing any more, and takes it up again when they come back.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    directory = models.ForeignKey("accounts.ScimDirectory", on_delete=models.CASCADE, related_name="people")
    user = models.OneToOneField("accounts.User", on_delete=models.CASCADE, related_name="scim")
    user_name = models.CharField(max_length=254)
    # As user names are compared: composed (NFC) and in lower case.
    user_name_key = models.CharField(max_length=254)
    external_id = models.CharField(max_length=256, blank=True, default="")
    is_active = models.BooleanField(default=True)
    attributes = models.JSONField(default=dict, blank=True)
    version = models.PositiveIntegerField(default=1)
    deleted_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user_name_key"], condition=Q(deleted_at=None), name="scim_user_name_once"
            ),
            models.UniqueConstraint(
                fields=["directory", "external_id"],
                condition=Q(deleted_at=None) & ~Q(external_id=""),
                name="scim_person_external_once",
            ),
        ]
        indexes = [
            models.Index(fields=["directory", "user"], name="scim_person_page", condition=Q(deleted_at=None)),
        ]

    def __str__(self) -> str:
        return self.user_name


class ScimEmail(models.Model):
    """One of the addresses a directory gives for a person: held as it was said, for looking it up."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    person = models.ForeignKey(ScimPerson, on_delete=models.CASCADE, related_name="emails")
    position = models.PositiveSmallIntegerField(default=0)
    value = models.CharField(max_length=254, db_index=True)
    type = models.CharField(max_length=40, blank=True, default="")
    display = models.CharField(max_length=256, blank=True, default="")
    # Unknown is not false: it is said again as it was said.
    is_primary = models.BooleanField(null=True)

    class Meta:
        ordering = ["position"]

    def __str__(self) -> str:
        return self.value


class ScimGroup(models.Model):
    """A group of ours that a directory rules; the directory knows it by the group's own id."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    directory = models.ForeignKey("accounts.ScimDirectory", on_delete=models.CASCADE, related_name="groups")
    group = models.OneToOneField("accounts.Group", on_delete=models.CASCADE, related_name="scim")
    external_id = models.CharField(max_length=256, blank=True, default="")
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["directory", "external_id"],
                condition=~Q(external_id=""),
                name="scim_group_external_once",
            ),
        ]
        indexes = [models.Index(fields=["directory", "group"], name="scim_group_page")]

    def __str__(self) -> str:
        return f"group {self.group_id}"


class ScimDeprovisioning(models.Model):
    """A person a directory shut out, or wanted to: what the brake counts, and what waits for a decision."""

    class State(models.TextChoices):
        DONE = "done"
        HELD = "held"
        APPROVED = "approved"
        REFUSED = "refused"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    directory = models.ForeignKey(
        "accounts.ScimDirectory", on_delete=models.CASCADE, related_name="deprovisionings"
    )
    user = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="+")
    # The directory deleted the person there, it did not only deactivate them.
    is_deletion = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=State.choices)
    asked_at = models.DateTimeField(auto_now_add=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        "accounts.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["-asked_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["user"], condition=Q(state="held"), name="scim_held_once"),
        ]
        indexes = [models.Index(fields=["directory", "state", "asked_at"], name="scim_brake_window")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.state}"
