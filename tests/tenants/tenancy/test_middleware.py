"""A request works for the company of its host, in one transaction, or it is nobody's."""

import io
import json
from collections.abc import Iterator

import pytest
import structlog
from django.db import connections
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import Client, RequestFactory
from structlog.testing import capture_logs

from tenants.accounts.models import Department
from tenants.models import Tenant
from tenants.tenancy import TenantRef, atomic, current_tenant, in_transaction, outside_transaction
from tenants.tenancy.context import current_tenant_or_none
from tenants.tenancy.directory import directory
from tenants.tenancy.middleware import (
    TenantMiddleware,
    TransactionMiddleware,
    host_of,
    opens_its_own_transactions,
)


def ask(view: object, host: str, path: str = "/") -> HttpResponse:
    request = RequestFactory().get(path, headers={"host": host})
    stack = TenantMiddleware(TransactionMiddleware(view))  # type: ignore[arg-type]
    return stack(request)  # type: ignore[return-value]


def test_an_unknown_host_gets_a_neutral_404(database: None) -> None:
    answer = ask(lambda request: pytest.fail("reached"), "nobody.localhost")
    assert answer.status_code == 404
    assert b"north" not in answer.content.lower()


@pytest.mark.parametrize("path", ["/api/v1/tasks", "/hooks/notion/x/"])
def test_a_program_at_an_unknown_host_gets_a_problem(database: None, path: str) -> None:
    answer = ask(lambda request: pytest.fail("reached"), "nobody.localhost", path)
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")
    assert json.loads(answer.content)["code"] == "tenants.unknown_host"


def test_a_program_at_a_closed_company_gets_a_problem(
    database: None, companies: tuple[Tenant, Tenant]
) -> None:
    Tenant.objects.filter(slug="south").update(state=Tenant.State.SUSPENDED)
    directory.forget()
    answer = ask(lambda request: pytest.fail("reached"), "south.localhost", "/api/v1/tasks")
    assert (answer.status_code, answer.headers["Content-Type"]) == (503, "application/problem+json")
    assert json.loads(answer.content)["code"] == "tenants.suspended"
    assert int(answer.headers["Retry-After"]) > 0


def test_the_line_that_ends_a_request_says_whose_it_was(database: None, client: Client) -> None:
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        client.get("/account/sign-in/", headers={"host": "north.localhost"})
        client.get("/account/sign-in/", headers={"host": "nobody.localhost"})
    ends = [line for line in lines if line["event"] == "request.finished"]
    assert [line.get("tenant") for line in ends] == ["north", None]


@pytest.mark.parametrize(
    "host",
    ["", "..", "north localhost", "north.localhost:99999999", "a" * 300, "north.localhost\r\nx", "[::1]"],
)
def test_a_malformed_host_is_nobodys(database: None, host: str) -> None:
    request = HttpRequest()
    request.META["HTTP_HOST"] = host
    assert TenantMiddleware(lambda request: pytest.fail("reached"))(request).status_code == 404


def test_case_port_and_final_dot_do_not_matter() -> None:
    request = HttpRequest()
    request.META["HTTP_HOST"] = "North.Localhost.:8000"
    assert host_of(request) in ("north.localhost", "north.localhost.")


def test_the_view_runs_in_the_scope_of_its_host(database: None) -> None:
    seen: list[str] = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append(current_tenant().slug)
        assert Department.objects.count() == 0
        return HttpResponse("ok")

    assert ask(view, "north.localhost:8000").status_code == 200
    assert ask(view, "SOUTH.localhost").status_code == 200
    assert seen == ["north", "south"]
    assert current_tenant_or_none() is None


def test_an_exception_leaves_no_scope_and_no_rows(database: None, companies: tuple[Tenant, Tenant]) -> None:
    def view(request: HttpRequest) -> HttpResponse:
        Department.objects.create(name="Half done", key="HD")
        raise ValueError

    with pytest.raises(ValueError):
        ask(view, "north.localhost")
    assert current_tenant_or_none() is None

    def look(request: HttpRequest) -> HttpResponse:
        return HttpResponse(str(Department.objects.count()))

    assert ask(look, "north.localhost").content == b"0"


def test_an_answer_of_500_undoes_the_request(database: None) -> None:
    def view(request: HttpRequest) -> HttpResponse:
        Department.objects.create(name="Half done", key="HD")
        return HttpResponse(status=500)

    ask(view, "north.localhost")
    assert ask(lambda r: HttpResponse(str(Department.objects.count())), "north.localhost").content == b"0"


def test_a_streamed_answer_is_produced_in_the_scope_of_its_request(database: None) -> None:
    def view(request: HttpRequest) -> StreamingHttpResponse:
        def parts() -> Iterator[str]:
            yield current_tenant().slug
            with atomic():
                yield f" {Department.objects.count()}"

        return StreamingHttpResponse(parts())

    answer = ask(view, "south.localhost")
    assert b"".join(answer) == b"south 0"


def test_a_suspended_company_is_closed(database: None, companies: tuple[Tenant, Tenant]) -> None:
    Tenant.objects.filter(slug="south").update(state=Tenant.State.SUSPENDED)
    directory.forget()
    answer = ask(lambda request: pytest.fail("reached"), "south.localhost")
    assert answer.status_code == 503


@outside_transaction
def calls_out(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(in_transaction()))


class ViewSet:
    @outside_transaction
    def connect(self) -> None: ...

    def list(self) -> None: ...


def test_a_view_that_talks_to_the_outside_has_no_transaction_around_it(
    tenant: TenantRef, rf: RequestFactory
) -> None:
    middleware = TransactionMiddleware(lambda request: HttpResponse())
    request = rf.get("/")
    seen: list[bool] = []

    def respond(request: HttpRequest) -> HttpResponse:
        depth = len(connections["cell_1"].savepoint_ids)
        middleware.process_view(request, calls_out, (), {})
        seen.append(len(connections["cell_1"].savepoint_ids) < depth)
        return HttpResponse()

    middleware.get_response = respond
    assert middleware(request).status_code == 200
    assert seen == [True]


def test_the_mark_is_found_on_views_classes_and_single_actions(rf: RequestFactory) -> None:
    def action_view(**actions: str) -> object:
        def view(request: HttpRequest) -> HttpResponse:
            return HttpResponse()

        view.cls, view.actions = ViewSet, actions  # type: ignore[attr-defined]
        return view

    assert opens_its_own_transactions(rf.post("/"), calls_out)
    assert opens_its_own_transactions(rf.post("/"), action_view(post="connect"))
    assert not opens_its_own_transactions(rf.get("/"), action_view(get="list", post="connect"))


class SlowBody(io.RawIOBase):
    """A body that notes whether the request held a transaction while it came in, and may break off."""

    def __init__(self, request: HttpRequest, *, breaks_off: bool = False) -> None:
        super().__init__()
        self.request, self.breaks_off, self.held_transaction = request, breaks_off, False

    def read(self, size: int = -1) -> bytes:
        self.held_transaction |= hasattr(self.request, "open_transaction")
        if self.breaks_off:
            raise OSError("the client went away")
        return b"name=x"


@pytest.mark.parametrize(("breaks_off", "status"), [(False, 200), (True, 400)])
def test_a_body_is_read_before_the_transaction_opens(
    tenant: TenantRef, breaks_off: bool, status: int
) -> None:
    request = RequestFactory().post("/", b"name=x", content_type="application/x-www-form-urlencoded")
    body = SlowBody(request, breaks_off=breaks_off)
    request._stream = body  # type: ignore[assignment]
    seen: list[str] = []

    def view(asked: HttpRequest) -> HttpResponse:
        seen.append(asked.POST["name"])
        return HttpResponse()

    assert TransactionMiddleware(view)(request).status_code == status
    assert (body.held_transaction, seen) == (False, [] if breaks_off else ["x"])


@pytest.mark.parametrize(
    ("body", "status"), [(b"name=a%00b", 400), (b"name=a\0b", 400), (b"name=a%2500b", 200)]
)
def test_a_form_with_a_nul_goes_no_further(tenant: TenantRef, body: bytes, status: int) -> None:
    request = RequestFactory().post("/", body, content_type="application/x-www-form-urlencoded")
    seen: list[str] = []

    def view(asked: HttpRequest) -> HttpResponse:
        seen.append(asked.POST["name"])
        return HttpResponse()

    assert TransactionMiddleware(view)(request).status_code == status
    assert seen == (["a%00b"] if status == 200 else [])
