"""``python -m tests.faults.many_jobs COMPANIES JOBS``: companies on a server of their own, with jobs to be done."""

import json
import sys

import django


def main(companies: int, jobs: int) -> None:
    """Make companies, give each its share of the jobs, and print their schemas as JSON."""
    django.setup()
    from tenants.dispatch import enqueue
    from tenants.tenancy import atomic, tenant_scope
    from tenants.tenancy.databases import owner_connection
    from tenants.tenancy.preparing import prepare
    from tests.companies import create_company

    prepare()
    schemas = []
    for number in range(companies):
        company = create_company()
        with owner_connection(f"{company.cell}_owner") as connection:
            connection.execute(f'CREATE TABLE "{company.schema}".counted_effects (job text)'.encode())
        with tenant_scope(company.ref), atomic():
            for job in range(jobs // companies):
                enqueue("test.count", payload={"job": f"{number}-{job}", "is_long": job % 20 == 0})
        schemas.append(company.schema)
    sys.stdout.write(json.dumps(schemas))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
