"""Only addresses of the public Internet may be dialled."""

import pytest

from tenants.foundation.http.addresses import PrivateHosts, is_public_address


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:4700::6810:84e5", "8.8.8.8"])
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public_address(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "::1",
        "0.0.0.0",
        "::",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "fe80::1",
        "fe80::1%eth0",
        "2606:4700::1%eth0",
        "fd00:ec2::254",
        "fc00::1",
        "::ffff:127.0.0.1",
        "::ffff:93.184.216.34",
        "::7f00:1",
        "64:ff9b::7f00:1",
        "64:ff9b::5db8:d822",
        "64:ff9b:1::a00:1",
        "2002:7f00:1::",
        "2001:0:7f00:1::",
        "224.0.0.1",
        "ff02::1",
        "255.255.255.255",
        "240.0.0.1",
        "198.18.0.1",
        "not-an-address",
        "",
    ],
)
def test_an_address_inside_or_that_leads_inside_is_not_public(address: str) -> None:
    assert not is_public_address(address)


def test_an_opened_host_is_open_on_every_port() -> None:
    hosts = PrivateHosts(["Sandbox.Localhost."])
    assert hosts.allows("sandbox.localhost", 1)
    assert hosts.allows("SANDBOX.localhost.", 65535)
    assert not hosts.allows("other.localhost", 1)


def test_an_opened_host_with_a_port_is_open_on_that_port_only() -> None:
    hosts = PrivateHosts(["127.0.0.1:8090", "[::1]:8091"])
    assert hosts.allows("127.0.0.1", 8090)
    assert not hosts.allows("127.0.0.1", 8091)
    assert hosts.allows("::1", 8091)
    assert not hosts.allows("::1", 8090)


def test_a_bare_ipv6_address_is_a_host_without_a_port() -> None:
    assert PrivateHosts(["::1"]).allows("[::1]", 443)


def test_empty_entries_open_nothing() -> None:
    assert not PrivateHosts(["", "  "]).allows("", 80)
