"""The text of a record as both sides had it last, to merge by."""

from django.db import models


class AgreedBody(models.Model):
    """One row a link whose text is kept in step. `ExternalLink.body_hash` is the hash of `text`.

    `sending` is the text that is being written there, until it is: whoever finds the record in the middle of that
    knows whose doing it is. A table of its own: links are read a hundred at a time, their texts one by one.
    """

    link = models.OneToOneField(
        "integrations.ExternalLink", primary_key=True, on_delete=models.CASCADE, related_name="agreed_body"
    )
    text = models.TextField(blank=True, default="")
    sending = models.TextField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"text of {self.link_id}"
