"""Files sent to Notion: where they are kept, and what an attached one looks like."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from integrations.sandbox.notion.errors import Json, invalid
from integrations.sandbox.notion.validation import an_object, body_id, only_keys
from integrations.sandbox.notion.world import Workspace

OBJECT = "file_upload"
LIFETIME = timedelta(hours=1)
FILES = "/_files/"


def exact(moment: datetime) -> str:
    """With milliseconds: the times of uploads are not cut to the minute."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def current(workspace: Workspace, upload: Json) -> Json:
    """The upload as it is now: one that nobody finished or attached within the hour has expired."""
    expiry = upload.get("expiry_time")
    now = workspace.world.clock.now()
    if upload["status"] == "expired" or expiry is None or datetime.fromisoformat(expiry) > now:
        return upload
    expired = {**upload, "status": "expired", "expiry_time": None, "last_edited_time": exact(now)}
    expired.pop("upload_url", None)
    expired.pop("complete_url", None)
    workspace.put_thing(expired)
    workspace.world.tell(workspace, "file_upload.expired", (OBJECT, upload["id"]), None)
    return expired


def attached(workspace: Workspace, value: Any, path: str) -> Json:
    """`{"url", "expiry_time"}` of an uploaded file; from now on it does not expire. Raises 400."""
    body = an_object(value, path)
    only_keys(body, ("id",), path)
    upload_id = body_id(body.get("id", ...), f"{path}.id")
    found = workspace.thing(OBJECT, upload_id)
    upload = current(workspace, found) if found else None
    if upload is None:
        raise invalid(f"Could not find file_upload with ID: {upload_id}.")
    if upload["status"] != "uploaded":
        raise invalid(
            f'File upload {upload_id} has status "{upload["status"]}"; only "uploaded" can be attached.'
        )
    workspace.put_thing({**upload, "expiry_time": None})
    name = quote(upload["filename"] or "file")
    expires = workspace.world.clock.now() + LIFETIME
    url = (
        f"{workspace.world.base_url}{FILES}{upload_id}/{name}"
        f"?expires={int(expires.timestamp())}&signature={uuid.uuid4().hex}"
    )
    return {"url": url, "expiry_time": exact(expires)}
