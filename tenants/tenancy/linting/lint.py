"""Every migration that has not landed, judged: what the release before would not survive is refused."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.migration import Migration

from tenants.tenancy.linting.findings import INSTEAD, Finding
from tenants.tenancy.linting.landed import LANDED, digest_of, file_of, landed_migrations, own_migrations
from tenants.tenancy.linting.rules import Judge
from tenants.tenancy.template import Key


@dataclass
class LintReport:
    """What the lint says; ``allowed`` is what migrations declare on purpose, with their reasons."""

    landed: int = 0
    judged: list[str] = field(default_factory=list)
    refused: list[Finding] = field(default_factory=list)
    allowed: list[Finding] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """What ``manage.py lint_migrations --json`` prints."""

        def told(finding: Finding) -> dict[str, str]:
            said = {
                "rule": finding.rule, "migration": finding.migration, "file": finding.file,
                "operation": finding.operation, "problem": finding.problem,
            }  # fmt: skip
            if finding.reason:
                return {**said, "reason": finding.reason}
            return {**said, "instead": finding.instead}

        return {
            "is_passed": not self.refused,
            "landed": self.landed,
            "judged": self.judged,
            "refused": [told(finding) for finding in self.refused],
            "allowed": [told(finding) for finding in self.allowed],
        }


def lint_migrations(loader: MigrationLoader | None = None, *, landed_file: Path = LANDED) -> LintReport:
    """Judge the migrations of this repository's apps that are not in ``landed_file``."""
    loader = loader or MigrationLoader(None)
    own, landed = own_migrations(loader), landed_migrations(landed_file)
    report = LintReport(landed=len(landed))
    report.refused += _changed_since(own, landed)
    known = [key for key in loader.graph.nodes if key in landed or key not in own]
    before = loader.project_state(known, at_end=True)
    judge, state = Judge(before), before.clone()
    for key, migration in own.items():
        if key not in landed:
            report.judged.append(".".join(key))
            _sort(migration, list(_findings(judge, key, migration, state)), report)
    return report


def _findings(judge: Judge, key: Key, migration: Migration, state: Any) -> list[Finding]:
    file, name = _shown(file_of(migration)), ".".join(key)
    return [
        Finding(rule, name, file, operation.describe(), problem)
        for rule, operation, problem in judge.judge(migration, state)
    ]


def _sort(migration: Migration, findings: list[Finding], report: LintReport) -> None:
    """Put each finding where it belongs; an allowance must be needed and say why."""
    allows: Mapping[str, str] = getattr(migration, "lint_allows", {})
    whole = Finding("", f"{migration.app_label}.{migration.name}", _shown(file_of(migration)), "", "")
    for rule, reason in allows.items():
        if rule not in INSTEAD or not any(finding.rule == rule for finding in findings):
            report.refused.append(
                replace(whole, rule="unused-allowance", problem=f"lint_allows has “{rule}”")
            )
        elif not reason.strip():
            report.refused.append(
                replace(whole, rule="allowance-without-reason", problem=f"“{rule}” has no reason")
            )
    for finding in findings:
        reason = allows.get(finding.rule, "").strip()
        if reason:
            report.allowed.append(replace(finding, reason=reason))
        else:
            report.refused.append(finding)


def _changed_since(own: Mapping[Key, Migration], landed: Mapping[Key, str]) -> list[Finding]:
    found: list[Finding] = []
    for key, digest in landed.items():
        name, migration = ".".join(key), own.get(key)
        if migration is None:
            found.append(Finding("landed-missing", name, "", "", "its file is gone"))
        elif digest_of(file_of(migration)) != digest:
            found.append(
                Finding(
                    "landed-edited",
                    name,
                    _shown(file_of(migration)),
                    "",
                    "its file was changed after it landed",
                )
            )
    return found


def _shown(file: Path) -> str:
    root = Path(settings.BASE_DIR)
    return str(file.relative_to(root)) if file.is_relative_to(root) else file.name
