"""Providers as a company sets them up, with real servers behind them where a test asks for one."""

import datetime
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from tenants.accounts.access import Role, UserActor
from tenants.accounts.models import EmailDomain, IdentityProvider
from tenants.accounts.sso import services
from tenants.accounts.sso.addresses import acs_url, canonical_host, entity_id, slo_url
from tenants.tenancy import TenantRef
from tests.people import person
from tests.sso_servers.starting import SamlIdp, free_port, installed_modules, running

ISSUER = "https://idp.example/metadata"


def key_pair(folder: Path, name: str, days: int = 30) -> tuple[Path, Path]:
    """A key and a certificate that signs itself, as files."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    now = datetime.datetime.now(datetime.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    key_file, certificate_file = folder / f"{name}-key.pem", folder / f"{name}-cert.pem"
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return key_file, certificate_file


@pytest.fixture(scope="session")
def idp_keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The provider's key and certificate."""
    return key_pair(tmp_path_factory.mktemp("idp"), "idp", days=400)


@pytest.fixture(scope="session")
def saml_server(idp_keys: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[SamlIdp]:
    """A saml-idp for all tests of this worker; each test sets the addresses of its own provider."""
    modules = installed_modules()
    port, folder = free_port(), tmp_path_factory.mktemp("saml-idp")
    key, certificate = idp_keys
    command = [
        "node", str(modules / "saml-idp/bin/run.js"), "--host", "127.0.0.1", "--port", str(port),
        "--cert", str(certificate), "--key", str(key), "--issuer", ISSUER,
        "--acsUrl", "https://nobody.example/acs", "--sloUrl", "https://nobody.example/slo",
        "--audience", "https://nobody.example/metadata",
        "--configFile", str(modules / "saml-idp/config.js"),
    ]  # fmt: skip
    with running(command, port=port, cwd=folder, log=folder / "log"):
        yield SamlIdp(base=f"http://127.0.0.1:{port}", issuer=ISSUER)


@pytest.fixture
def admin(tenant: TenantRef) -> UserActor:
    """Somebody who sets single sign-on up."""
    return person(tenant, Role.ADMIN, "Ada Admin-Example")


@pytest.fixture
def verified_domain(tenant: TenantRef) -> EmailDomain:
    """An e-mail domain the company has proved."""
    return EmailDomain.objects.create(domain="people.example", nonce="n", state=EmailDomain.State.VERIFIED)


@pytest.fixture
def host(tenant: TenantRef) -> str:
    """The company's canonical host."""
    return canonical_host()


@pytest.fixture
def saml(
    admin: UserActor, verified_domain: EmailDomain, idp_keys: tuple[Path, Path]
) -> Callable[..., IdentityProvider]:
    """Sets a SAML provider up and switches it on."""

    def set_up(server: SamlIdp | None = None, **values: object) -> IdentityProvider:
        provider = services.create_provider(preset="saml", name="Example Id", actor=admin)
        if server is not None:
            server.set(
                acsUrl=acs_url(provider), audience=entity_id(provider), sloUrl=slo_url(provider),
                recipient=acs_url(provider), destination=acs_url(provider), serviceProviderId=entity_id(provider),
                lifetimeInSeconds=300, signResponse=True, encryptAssertion=False, issuer=ISSUER,
                signatureAlgorithm="rsa-sha256", digestAlgorithm="sha256",
            )  # fmt: skip
            change = services.ProviderChange(metadata=server.metadata(), values=dict(values))
        else:
            change = services.ProviderChange(
                values={
                    "issuer": ISSUER, "sso_url": "https://idp.example/sso", "slo_url": "https://idp.example/slo",
                    "certificates": [idp_keys[1].read_text()], **values,
                }
            )  # fmt: skip
        return switched_on(changed(provider, change, admin))

    return set_up


def changed(
    provider: IdentityProvider, change: services.ProviderChange, actor: UserActor
) -> IdentityProvider:
    """A set-up that nobody uses yet, changed at once."""
    made = services.change_provider(provider=provider, change=change, actor=actor)
    assert isinstance(made, IdentityProvider)
    return made


def switched_on(provider: IdentityProvider) -> IdentityProvider:
    """In use, as after a test that got through."""
    provider.state = IdentityProvider.State.ACTIVE
    provider.save(update_fields=["state"])
    return provider
