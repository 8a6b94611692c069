"""Files: sent, put together, attached, read back, expired."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlsplit

import pytest

from integrations.sandbox.notion.sandbox import Sandbox
from tests.fakes.notion_sandbox import WebhookInbox
from tests.integrations.sandbox.notion import contract, sample
from tests.integrations.sandbox.notion.conftest import Caller, Reply
from tests.integrations.sandbox.notion.sample import Json, task_id

CONTENT = b"\x00\xff line\r\n--not the boundary\r\n" * 40


def send(notion: Caller, upload_id: str, content: bytes, kind: str = "image/png", **fields: str) -> Reply:
    boundary = uuid.uuid4().hex
    lines: list[bytes] = []
    for name, value in fields.items():
        lines += [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        ]
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="shot.png"\r\n'
    lines += [
        head.encode(),
        f"Content-Type: {kind}\r\n\r\n".encode(),
        content,
        f"\r\n--{boundary}--\r\n".encode(),
    ]
    form = Caller(
        notion.base_url,
        notion.token,
        notion.version,
        headers={"Content-Type": f"multipart/form-data; boundary={boundary}"},
    )
    return form("POST", f"/v1/file_uploads/{upload_id}/send", b"".join(lines))


def create(notion: Caller, **body: Any) -> Json:
    reply = notion.post("/v1/file_uploads", body)
    assert reply.status == 200, reply.body
    return reply.body


def uploaded(notion: Caller) -> str:
    upload_id: str = create(notion, filename="shot.png")["id"]
    assert send(notion, upload_id, CONTENT).status == 200
    return upload_id


def download(notion: Caller, url: str) -> tuple[int, bytes]:
    parts = urlsplit(url)
    status, _, content = notion.raw("GET", f"{parts.path}?{parts.query}")
    return status, content


def test_a_file_in_one_piece(notion: Caller) -> None:
    made = create(notion, filename="shot.png")
    assert (made["status"], made["content_type"]) == ("pending", "image/png")
    assert made["expiry_time"] == "2026-07-10T13:00:30.000Z"
    assert made["upload_url"].endswith(f"/v1/file_uploads/{made['id']}/send")
    sent = send(notion, made["id"], CONTENT).body
    assert (sent["status"], sent["content_length"]) == ("uploaded", len(CONTENT))
    assert notion.get(f"/v1/file_uploads/{made['id']}").body["status"] == "uploaded"
    again = send(notion, made["id"], CONTENT)
    assert again.status == 400


def test_a_file_in_parts(notion: Caller, sandbox: Sandbox) -> None:
    sandbox.set_limits(least_part_bytes=100)
    made = create(notion, mode="multi_part", filename="shot.png", number_of_parts=2)
    path = f"/v1/file_uploads/{made['id']}"
    assert made["number_of_parts"] == {"total": 2, "sent": 0}
    assert send(notion, made["id"], b"short", part_number="1").status == 400
    assert send(notion, made["id"], CONTENT, part_number="3").status == 400
    assert send(notion, made["id"], b"end", part_number="2").body["number_of_parts"]["sent"] == 1
    assert notion.post(f"{path}/complete").status == 400
    assert send(notion, made["id"], CONTENT, part_number="1").body["number_of_parts"]["sent"] == 2
    done = notion.post(f"{path}/complete").body
    assert (done["status"], done["content_length"]) == ("uploaded", len(CONTENT) + 3)


def test_a_file_from_elsewhere(notion: Caller) -> None:
    made = create(notion, mode="external_url", external_url="https://files.example/plan.pdf")
    assert (made["status"], made["filename"], made["content_type"]) == (
        "uploaded",
        "plan.pdf",
        "application/pdf",
    )


@pytest.mark.parametrize(
    "body",
    [
        {"mode": "carrier_pigeon"},
        {"mode": "multi_part", "number_of_parts": 2},
        {"mode": "multi_part", "filename": "a.png"},
        {"mode": "multi_part", "filename": "a.png", "number_of_parts": 0},
        {"number_of_parts": 2},
        {"mode": "external_url"},
        {"mode": "external_url", "external_url": "http://files.example/a.png"},
        {"size": 5},
    ],
)
def test_a_bad_upload_is_refused(notion: Caller, body: Json) -> None:
    assert notion.post("/v1/file_uploads", body).status == 400


def test_a_form_that_is_none_and_another_type_are_refused(notion: Caller) -> None:
    upload_id = create(notion, filename="shot.png")["id"]
    assert notion.post(f"/v1/file_uploads/{upload_id}/send", {}).status == 400
    assert send(notion, upload_id, CONTENT, kind="text/plain").status == 400
    assert send(notion, sample.an_id("none"), CONTENT).status == 404


def test_an_uploaded_file_is_attached_and_read_back(notion: Caller) -> None:
    file = {"type": "file_upload", "file_upload": {"id": uploaded(notion)}}
    children = f"/v1/blocks/{task_id(1)}/children"
    block = notion.patch(children, {"children": [{"type": "image", "image": file}]}).body["results"][0]
    assert download(notion, block["image"]["file"]["url"]) == (200, CONTENT)
    page = f"/v1/pages/{task_id(1)}"
    named = {**file, "name": "Screenshot"}
    values = notion.patch(page, {"properties": {"Files": {"files": [named]}}, "icon": file}).body
    entry = values["properties"]["Files"]["files"][0]
    assert (entry["type"], entry["name"]) == ("file", "Screenshot")
    assert download(notion, entry["file"]["url"]) == (200, CONTENT)
    assert values["icon"]["type"] == "file"
    comment = {"parent": {"page_id": task_id(1)}, "rich_text": [{"text": {"content": "see"}}]}
    files = {"attachments": [{"file_upload_id": uploaded(notion)}]}
    made = notion.post("/v1/comments", comment | files).body
    assert made["attachments"][0]["category"] == "image"


def test_an_address_is_good_for_an_hour(notion: Caller, sandbox: Sandbox) -> None:
    file = {"file_upload": {"id": uploaded(notion)}}
    cover = notion.patch(f"/v1/pages/{task_id(1)}", {"cover": {"type": "file_upload", **file}}).body["cover"]
    sandbox.clock.advance(3601)
    assert download(notion, cover["file"]["url"])[0] == 403


def test_what_is_not_finished_within_the_hour_has_expired(notion: Caller, sandbox: Sandbox) -> None:
    inbox = WebhookInbox()
    sandbox.webhooks.sender = inbox
    subscription = sandbox.webhooks.subscribe("Test Workspace", "http://a.example/")
    sandbox.webhooks.confirm(subscription.id, subscription.verification_token)
    inbox.clear()
    waiting, attached, idle = (create(notion, filename="a.png")["id"], uploaded(notion), uploaded(notion))
    cover = {"cover": {"type": "file_upload", "file_upload": {"id": attached}}}
    notion.patch(f"/v1/pages/{task_id(1)}", cover)
    sandbox.clock.advance(3600)
    assert notion.get("/v1/file_uploads?status=expired").ids == [idle, waiting]
    assert notion.get("/v1/file_uploads?status=uploaded").ids == [attached]
    refused = notion.patch(f"/v1/pages/{task_id(2)}", {"cover": {"file_upload": {"id": idle}}})
    assert refused.status == 400
    sandbox.webhooks.deliver_due()
    assert [one for one in inbox.types if "file" in one] == [
        *["file_upload.created"] * 2,
        "file_upload.completed",
        "file_upload.created",
        "file_upload.completed",
        *["file_upload.expired"] * 2,
    ]
    if contract.is_available:
        for body in inbox.bodies:
            contract.assert_webhook_conforms(body)


def test_the_older_version_says_archived(notion: Caller) -> None:
    upload_id = create(notion, filename="a.png")["id"]
    notion.version = "2025-09-03"
    assert notion.get(f"/v1/file_uploads/{upload_id}").body["archived"] is False
