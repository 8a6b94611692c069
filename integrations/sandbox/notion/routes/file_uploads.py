"""`/v1/file_uploads`: files in one piece, in parts, or fetched from elsewhere."""

from __future__ import annotations

import mimetypes
import uuid
from typing import Any

from integrations.sandbox.notion.call import Call, listing
from integrations.sandbox.notion.errors import Json, invalid, invalid_body
from integrations.sandbox.notion.limits import max_upload_bytes
from integrations.sandbox.notion.multipart import parts_of
from integrations.sandbox.notion.pagination import page_of, question_of
from integrations.sandbox.notion.rendering import OLD_VERSION
from integrations.sandbox.notion.uploads import LIFETIME, OBJECT, current, exact
from integrations.sandbox.notion.validation import a_string, one_of, only_keys, page_size, path_id

KEYS = ("mode", "filename", "content_type", "number_of_parts", "external_url")
MODES = ("single_part", "multi_part", "external_url")
STATUSES = ("pending", "uploaded", "expired", "failed")
MAX_PARTS = 10_000
MAX_PART_BYTES = 20 * 1024 * 1024
MAX_NAME = 900


def create_upload(call: Call) -> Json:
    """A place for a file that is to come."""
    body = call.body
    only_keys(body, KEYS, "body")
    mode = one_of(body.get("mode", "single_part"), MODES, "body.mode")
    filename = (
        a_string(body["filename"], "body.filename", most=MAX_NAME, empty=False)
        if "filename" in body
        else None
    )
    kind = a_string(body["content_type"], "body.content_type") if "content_type" in body else None
    kind = kind or (mimetypes.guess_type(filename)[0] if filename else None)
    for key, needed in (("number_of_parts", "multi_part"), ("external_url", "external_url")):
        if key in body and mode != needed:
            raise invalid_body(f"body.{key}", "not present", body[key])
    if mode == "multi_part" and filename is None:
        raise invalid_body("body.filename", "defined")
    now = call.workspace.world.clock.now()
    upload_id = str(uuid.uuid4())
    base = f"{call.workspace.world.base_url}/v1/file_uploads/{upload_id}"
    made: Json = {
        "object": OBJECT,
        "id": upload_id,
        "created_time": exact(now),
        "created_by": {
            "id": call.actor["id"],
            "type": "bot" if call.actor.get("type") == "bot" else "person",
        },
        "last_edited_time": exact(now),
        "in_trash": False,
        "expiry_time": exact(now + LIFETIME),
        "status": "pending",
        "filename": filename,
        "content_type": kind,
        "content_length": None,
    }
    if mode == "external_url":
        made |= _imported(body.get("external_url", ...), now_text=exact(now), filename=filename)
    else:
        made["upload_url"] = f"{base}/send"
    if mode == "multi_part":
        made |= {"complete_url": f"{base}/complete", "number_of_parts": {"total": _parts(body), "sent": 0}}
    call.workspace.put_thing(made)
    _tell(call, "created", made)
    if made["status"] == "uploaded":
        _tell(call, "completed", made)
    return _shown(call, made)


def retrieve_upload(call: Call, upload_id: str) -> Json:
    return _shown(call, _find(call, upload_id))


def list_uploads(call: Call) -> Json:
    """The latest first."""
    status = call.parameter("status")
    if status is not None and status not in STATUSES:
        raise invalid_body(
            "query.status", " or ".join(f'`"{one}"`' for one in STATUSES), status, where="query"
        )
    held = [current(call.workspace, one) for one in list(call.workspace.things.get(OBJECT, {}).values())]
    found = [one for one in reversed(held) if status in (None, one["status"])]
    size = page_size(call.parameter("page_size"), "query")
    question = question_of(OBJECT, call.workspace.id, status)
    page, cursor = page_of(
        call.cursors, found, lambda one: one["id"], question, call.parameter("start_cursor"), size
    )
    return listing(OBJECT, [_shown(call, one) for one in page], cursor)


def send_upload(call: Call, upload_id: str) -> Json:
    """The file, or one of its parts, as a form."""
    upload = _pending(call, upload_id)
    form = parts_of(call.raw, call.content_type)
    if "file" not in form:
        raise invalid_body("body.file", "defined")
    file = form["file"]
    parts = upload.get("number_of_parts")
    if len(file.content) > MAX_PART_BYTES:
        raise invalid(f"File size exceeds the limit of {MAX_PART_BYTES // 1024 // 1024}MB for one part.")
    if parts is None:
        if "part_number" in form:
            raise invalid_body("body.part_number", "not present", "...")
        return _sent_whole(call, upload, file.filename, file.content_type, file.content)
    number = form["part_number"].content.decode(errors="replace") if "part_number" in form else ""
    if not number.isdecimal() or not 1 <= int(number) <= parts["total"]:
        raise invalid_body("body.part_number", f"between 1 and {parts['total']}", number)
    if int(number) < parts["total"] and len(file.content) < call.limits.least_part_bytes:
        raise invalid(f"Part {number} is smaller than {call.limits.least_part_bytes} bytes.")
    held = call.workspace.world.file_parts.setdefault(upload["id"], {})
    held[int(number)] = file.content
    return _shown(call, _changed(call, upload, number_of_parts={**parts, "sent": len(held)}))


def complete_upload(call: Call, upload_id: str) -> Json:
    """All parts are here."""
    upload = _pending(call, upload_id)
    parts = upload.get("number_of_parts")
    only_keys(call.body, (), "body")
    if parts is None:
        raise invalid("Only file uploads with mode multi_part can be completed.")
    if parts["sent"] != parts["total"]:
        raise invalid(f"Only {parts['sent']} of {parts['total']} parts were sent.")
    held = call.workspace.world.file_parts.pop(upload["id"])
    return _finished(call, upload, b"".join(held[number] for number in sorted(held)))


def _sent_whole(
    call: Call, upload: Json, filename: str | None, content_type: str | None, content: bytes
) -> Json:
    wanted = upload["content_type"]
    if wanted and content_type and content_type != wanted:
        raise invalid(
            f"The content type of the sent file, {content_type}, does not match the file upload's, {wanted}."
        )
    named = {
        "filename": upload["filename"] or filename,
        "content_type": wanted or content_type or "application/octet-stream",
    }
    return _finished(call, {**upload, **named}, content)


def _finished(call: Call, upload: Json, content: bytes) -> Json:
    most = max_upload_bytes(call.workspace.plan)
    if len(content) > most:
        raise invalid(f"File size exceeds the workspace limit of {most} bytes.")
    call.workspace.world.files[upload["id"]] = (content, upload["content_type"] or "application/octet-stream")
    kept = {key: value for key, value in upload.items() if key not in ("upload_url", "complete_url")}
    made = _changed(call, kept, status="uploaded", content_length=len(content))
    _tell(call, "completed", made)
    return _shown(call, made)


def _changed(call: Call, upload: Json, **values: Any) -> Json:
    now = exact(call.workspace.world.clock.now())
    return call.workspace.put_thing({**upload, **values, "last_edited_time": now})


def _imported(url: Any, *, now_text: str, filename: str | None) -> Json:
    address = a_string(url, "body.external_url", most=2000, empty=False)
    if not address.startswith("https://"):
        raise invalid_body("body.external_url", "an HTTPS URL", address)
    name = filename or address.partition("?")[0].rpartition("/")[2] or "file"
    return {
        "status": "uploaded",
        "filename": name,
        "content_type": mimetypes.guess_type(name)[0] or "application/octet-stream",
        "file_import_result": {"type": "success", "imported_time": now_text, "success": {}},
    }


def _parts(body: Json) -> int:
    number = body.get("number_of_parts", ...)
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= MAX_PARTS:
        raise invalid_body("body.number_of_parts", f"between 1 and {MAX_PARTS}", number)
    return number


def _find(call: Call, upload_id: str) -> Json:
    found = call.workspace.thing(OBJECT, path_id("file_upload_id", upload_id))
    if found is None:
        raise call.missing(OBJECT, upload_id)
    return current(call.workspace, found)


def _pending(call: Call, upload_id: str) -> Json:
    upload = _find(call, upload_id)
    if upload["status"] != "pending":
        raise invalid(f'File upload has status "{upload["status"]}", it should be "pending".')
    return upload


def _tell(call: Call, action: str, upload: Json) -> None:
    call.workspace.world.tell(call.workspace, f"{OBJECT}.{action}", (OBJECT, upload["id"]), None)


def _shown(call: Call, upload: Json) -> Json:
    return {**upload, "archived": upload["in_trash"]} if call.version == OLD_VERSION else dict(upload)
