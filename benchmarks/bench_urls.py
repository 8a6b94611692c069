"""Two views, one query and ten, for the tenancy benchmark."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from tenants.accounts.models import Department

ALIAS: dict[str, str | None] = {"name": None}


def queries(request: HttpRequest, count: int) -> HttpResponse:
    found = 0
    for _ in range(count):
        rows = Department.objects.all()
        if ALIAS["name"]:
            rows = rows.using(ALIAS["name"])
        found += len(rows.values_list("name", flat=True)[:5])
    return HttpResponse(str(found))


urlpatterns = [path("<int:count>/", queries)]
