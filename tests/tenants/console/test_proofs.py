"""The page of evidence: every run of a check, narrowed, page by page, with its signed report."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from tenants.models import Evidence

type TextOf = Callable[..., str]
PAGE = "/platform/evidence/"


def run(kind: str = "restore_drill", *, is_passed: bool = True, **report: object) -> Evidence:
    at = timezone.now() - timedelta(hours=1)
    return Evidence.objects.create(
        kind=kind, is_passed=is_passed, summary=f"What {kind} said", report=report, started_at=at,
        finished_at=at + timedelta(seconds=31),
    )  # fmt: skip


def ids_in(text: str) -> list[str]:
    return re.findall(r'<tr id="evidence-([0-9a-f-]+)"', text)


def test_runs_are_shown_newest_first_and_narrowed(text_of: TextOf) -> None:
    first, second = run("backup"), run(is_passed=False)
    text = text_of(PAGE)
    assert ids_in(text) == [str(second.pk), str(first.pk)]
    assert "What backup said" in text
    assert "31 s" in text
    assert ids_in(text_of(f"{PAGE}?kind=backup")) == [str(first.pk)]
    assert ids_in(text_of(f"{PAGE}?outcome=failed")) == [str(second.pk)]
    assert "No evidence here" in text_of(f"{PAGE}?outcome=failed&kind=backup")
    assert len(ids_in(text_of(f"{PAGE}?kind=nothing&outcome=maybe"))) == 2


def test_pages_go_forth_and_back(text_of: TextOf) -> None:
    rows = [str(run("backup").pk) for _ in range(35)][::-1]
    run("schema_audit")
    first = text_of(f"{PAGE}?kind=backup")
    assert ids_in(first) == rows[:30]
    following = re.search(r'href="(/platform/evidence/\?[^"]*cursor=[^"]+)"', first)
    assert following
    second = text_of(following[1].replace("&amp;", "&"))
    assert ids_in(second) == rows[30:]
    back = re.search(r'href="(/platform/evidence/\?[^"]*cursor=[^"]+)"', second)
    assert back
    assert ids_in(text_of(back[1].replace("&amp;", "&"))) == rows[:30]


def test_a_cursor_that_is_none_is_refused(operator: Client) -> None:
    assert operator.get(f"{PAGE}?cursor=x").status_code == 422


def test_a_report_is_verified_offline_by_the_command(
    onlooker: Client, platform_host: str, tmp_path: Path
) -> None:
    row = run(seconds=12.5, servers=[{"server": "main"}])
    answer = onlooker.get(f"{PAGE}{row.pk}.json")
    assert re.fullmatch(
        r'attachment; filename="evidence-restore_drill-\d{4}-\d\d-\d\d-[0-9a-f]{6}\.json"',
        answer["Content-Disposition"],
    )
    report, keys = tmp_path / "report.json", tmp_path / "keys.json"
    report.write_bytes(answer.content)
    public = Client(headers={"host": platform_host}).get("/.well-known/signing-keys.json")
    keys.write_bytes(public.content)
    out = StringIO()
    call_command("verify_document", report, keys=keys, json=True, stdout=out)
    assert json.loads(out.getvalue())["kind"] == "notion-task-sync.evidence"
    report.write_bytes(answer.content.replace(b"12.5", b"11.5"))
    with pytest.raises(CommandError, match="does not fit"):
        call_command("verify_document", report, keys=keys)


def test_what_is_not_there_is_not_found(operator: Client) -> None:
    assert operator.get(f"{PAGE}{uuid4()}.json").status_code == 404


def test_the_platform_s_page_leads_there(text_of: TextOf) -> None:
    assert f'href="{PAGE}"' in text_of("/platform/")
