"""The invented companies: taken in once, with somebody for each role, read by the ordinary services."""

from __future__ import annotations

from pathlib import Path

import pytest

from integrations.demo.companies import (
    DemoCompany,
    SignIn,
    demo_companies,
    demo_password,
    ensure_company,
    ensure_connections,
    platform_company,
)
from integrations.demo.outcome import outcome_of, workspaces_of
from integrations.demo.workspaces import WorkspaceFile, ensure_workspace_files
from integrations.models import Connection, SyncedCollection, SyncRun
from integrations.sandbox.notion.sandbox import Sandbox
from tasks.models import Project, Task, TaskAssignee, TaskDependency
from tenants.accounts.access import Role
from tenants.accounts.models import RoleBinding, User
from tenants.accounts.services import check_password
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tests.fakes.dispatch import run_due_work
from tests.integrations.demo.conftest import PASSWORD


def test_somebody_signs_in_for_each_role_and_a_second_call_changes_nothing(
    taken_in: tuple[TenantRef, list[SignIn]], globex: DemoCompany
) -> None:
    ref, sign_ins = taken_in
    assert [sign_in.role for sign_in in sign_ins] == [
        "owner",
        "admin",
        "manager",
        "member",
        "guest",
        "security",
        "auditor",
    ]
    again, _ = ensure_company(globex, PASSWORD)
    assert again == ref
    with tenant_scope(ref), atomic():
        assert User.objects.count() == RoleBinding.objects.count() == 7
        owner = User.objects.get(role_bindings__role=Role.OWNER)
        assert owner.check_password(PASSWORD)
        assert owner.email == sign_ins[0].email


def test_a_new_password_file_gives_everybody_the_new_password(
    taken_in: tuple[TenantRef, list[SignIn]], globex: DemoCompany
) -> None:
    ensure_company(globex, "walnut-brook-ember-9021")
    with tenant_scope(taken_in[0]), atomic():
        assert all(user.check_password("walnut-brook-ember-9021") for user in User.objects.all())


def test_a_company_is_in_step_with_both_workspaces_after_its_first_sync(
    taken_in: tuple[TenantRef, list[SignIn]], demo_sandbox: Sandbox, workspace_files: list[WorkspaceFile]
) -> None:
    ref, _ = taken_in
    connected = ensure_connections(ref, workspace_files)
    assert len(connected) == 2
    assert not any(progress.is_finished for progress in workspaces_of(ref, {}))
    with tenant_scope(ref), atomic():
        roles = dict(SyncedCollection.objects.wanted().values_list("title", "role"))
    assert {title for title, role in roles.items() if role == "projects"} == {"Initiatives", "Proyectos"}
    assert len(roles) == 6

    run_due_work(ref, kind="integrations.run_sync")

    outcome = outcome_of([ref], 1.0)
    expected = {"Globex Group": 640 + 220, "Globex Iberia": 660 + 240}
    assert (outcome.tenants, outcome.connections, outcome.sync_failures) == (1, 2, 0)
    assert outcome.tasks == sum(expected.values())
    assert all(progress.is_finished and not progress.has_failed for progress in workspaces_of(ref, {}))
    # A page of a hundred rows is a call; four more for each table and the people of each workspace.
    rows = sum(-(-count // 100) for count in (640, 220, 660, 240)) + 2
    assert rows < outcome.notion_calls <= rows + 4 * 6 + 60
    with tenant_scope(ref), atomic():
        assert Project.objects.count() > 40
        assert Task.objects.exclude(project=None).count() / outcome.tasks > 0.8
        assert TaskAssignee.objects.count() > outcome.tasks
        assert TaskDependency.objects.count() > 150
        statuses = set(Task.objects.values_list("status", flat=True))
        assert {"planned", "in_progress", "in_review", "blocked", "done", "cancelled"} <= statuses

    assert ensure_connections(ref, workspace_files) == connected
    with tenant_scope(ref), atomic():
        imports = SyncRun.objects.filter(kind=SyncRun.Kind.IMPORT)
        assert imports.count() == Connection.objects.count() == 2


def test_the_password_is_made_up_once_fits_the_rules_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "demo" / "password"
    password = demo_password(path)
    assert demo_password(path) == password
    assert path.stat().st_mode & 0o777 == 0o600
    check_password(password)
    assert demo_password(tmp_path / "other") != password


def test_those_who_sign_in_have_tasks_in_notion_under_the_same_address(
    workspace_files: list[WorkspaceFile],
) -> None:
    for company in demo_companies():
        texts = [file.path.read_text() for file in workspace_files if file.shape.company == company.slug]
        assert all(email in text for _, email in company.people for text in texts)


def test_the_operators_have_a_company_of_their_own() -> None:
    assert platform_company().slug == "platform"
    assert len(platform_company().people) == 1


def test_workspace_files_are_written_once_and_a_missing_one_is_made_again(
    workspace_files: list[WorkspaceFile],
) -> None:
    folder = workspace_files[0].path.parent
    kept, lost = workspace_files[0].path, workspace_files[3].path
    before, content = kept.stat().st_mtime_ns, lost.read_bytes()
    lost.unlink()
    assert ensure_workspace_files(folder) == workspace_files
    assert kept.stat().st_mtime_ns == before
    assert lost.read_bytes()[:200] == content[:200]
    assert not list(folder.glob("*.part"))


@pytest.mark.parametrize("company", ["acme", "globex"])
def test_both_companies_have_two_workspaces(workspace_files: list[WorkspaceFile], company: str) -> None:
    assert len({file.token for file in workspace_files if file.shape.company == company}) == 2
