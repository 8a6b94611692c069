"""What we speak of in SCIM: the attributes we keep, and what we announce of ourselves.

We keep what the product uses and leave the rest where it is: an address or a telephone number that a directory sends
is neither refused nor stored.
"""

from typing import Annotated, Any, Final

from pydantic import Field
from scim2_models import (
    URN,
    AnyExtension,
    AuthenticationScheme,
    Bulk,
    CaseExact,
    ChangePassword,
    ComplexAttribute,
    Email,
    EnterpriseUser,
    ETag,
    Extension,
    Filter,
    GroupMembership,
    Mutability,
    Name,
    Pagination,
    Patch,
    Reference,
    Required,
    Resource,
    ResourceType,
    Returned,
    ScimPolicy,
    ScimProvider,
    ServiceProviderConfig,
    Sort,
    Uniqueness,
)

MOST_RESULTS: Final = 200
USUAL_RESULTS: Final = 100
MOST_OPERATIONS: Final = 1000
# Of a filter and of a path in a PATCH: they are taken apart sign by sign, which costs more the longer they are.
LONGEST_FILTER: Final = 4000
# Of one PATCH. Directories send some hundred at most.
MOST_PATCHES: Final = 500
MOST_BYTES: Final = 1024 * 1024
CURSOR_SECONDS: Final = 3600
MOST_EMAILS: Final = 20
USER_URN: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP_URN: Final = "urn:ietf:params:scim:schemas:core:2.0:Group"


class User(Resource[AnyExtension]):
    """A person, by the attributes of RFC 7643 that we keep."""

    __schema__ = URN(USER_URN)

    user_name: Annotated[str | None, Uniqueness.server, Required.true] = None
    name: Name | None = None
    display_name: str | None = None
    title: str | None = None
    preferred_language: str | None = None
    locale: str | None = None
    timezone: str | None = None
    active: bool | None = None
    emails: list[Email] | None = None
    groups: Annotated[list[GroupMembership] | None, Mutability.read_only] = None


class Enterprise(Extension):
    """What the enterprise extension says that we keep; the department is the person's department here."""

    __schema__ = EnterpriseUser.__schema__

    employee_number: str | None = None
    cost_center: str | None = None
    organization: str | None = None
    division: str | None = None
    department: str | None = None


class Member(ComplexAttribute):
    """A person in a group."""

    value: Annotated[str | None, Mutability.immutable, CaseExact.true] = None
    ref: Annotated[Reference["User"] | None, Mutability.immutable] = Field(  # type: ignore[type-arg]
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    # Shown when it is asked for: a group of thousands is long enough without.
    display: Annotated[str | None, Mutability.read_only, Returned.request] = None
    type: Annotated[str | None, Mutability.immutable] = Field(None, examples=["User"])


class Group(Resource[Any]):
    """A group of people."""

    __schema__ = URN(GROUP_URN)

    display_name: Annotated[str | None, Required.true] = None
    members: list[Member] | None = None


Person = User[Enterprise]

# What Entra and Okta send besides the letter of the RFC is understood; what we do not keep is passed over.
POLICY: Final = ScimPolicy(
    unknown=ScimPolicy.Unknown.ignore,
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)


def service_config(most_operations: int = MOST_OPERATIONS) -> ServiceProviderConfig:
    """What we can do, for `/ServiceProviderConfig`."""
    return ServiceProviderConfig(
        patch=Patch(supported=True),
        bulk=Bulk(supported=True, max_operations=most_operations, max_payload_size=MOST_BYTES),
        filter=Filter(supported=True, max_results=MOST_RESULTS),
        change_password=ChangePassword(supported=False),
        sort=Sort(supported=True),
        etag=ETag(supported=True),
        pagination=Pagination(
            cursor=True,
            index=True,
            default_pagination_method=Pagination.DefaultPaginationMethod.index,
            default_page_size=USUAL_RESULTS,
            max_page_size=MOST_RESULTS,
            cursor_timeout=CURSOR_SECONDS,
        ),
        authentication_schemes=[
            AuthenticationScheme(
                name="OAuth Bearer Token",
                description="A key of the directory, sent as a bearer token. It is made in the settings.",
                type=AuthenticationScheme.Type.oauthbearertoken,
                primary=True,
            )
        ],
    )


PROVIDER: Final = ScimProvider(
    models=[User, Enterprise, Group],
    resource_types=[ResourceType.from_resource(Person), ResourceType.from_resource(Group)],
    config=service_config(),
    policy=POLICY,
)
