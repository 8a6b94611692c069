"""Two views, one query and ten, for the tenancy benchmark."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from tenants.accounts.models import Department


def queries(request: HttpRequest, count: int) -> HttpResponse:
    found = 0
    for _ in range(count):
        found += len(Department.objects.values_list("name", flat=True)[:5])
    return HttpResponse(str(found))


urlpatterns = [path("<int:count>/", queries)]
