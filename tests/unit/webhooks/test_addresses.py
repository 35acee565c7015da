"""Which URLs and addresses webhooks may reach."""

from ipaddress import ip_address

import pytest
from bandmate_shared.errors import InvalidRequest
from bandmate_shared.webhooks.addresses import (
    MAX_URL_CHARACTERS,
    Receiver,
    RefusedAddress,
    checked_addresses,
    is_refused,
    parse_url,
    resolve_host,
)

PUBLIC = ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"]
INSIDE = [
    "127.0.0.1",
    "127.8.9.10",
    "10.0.0.1",
    "172.16.5.5",
    "192.168.1.1",
    "100.64.0.1",
    "::1",
    "fd00::1",
    "::ffff:127.0.0.1",
    "::ffff:10.1.2.3",
    "64:ff9b::7f00:1",
    "2002:7f00:1::1",
]
NEVER = [
    "169.254.169.254",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "fe80::1",
    "0.0.0.0",
    "::",
    "224.0.0.1",
    "ff02::1",
    "255.255.255.255",
    "240.0.0.1",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_reached(address: str) -> None:
    assert not is_refused(ip_address(address), allow_private=False)
    assert not is_refused(ip_address(address), allow_private=True)


@pytest.mark.parametrize("address", INSIDE)
def test_addresses_of_the_inside_are_reached_only_where_that_is_allowed(address: str) -> None:
    assert is_refused(ip_address(address), allow_private=False)
    assert not is_refused(ip_address(address), allow_private=True)


@pytest.mark.parametrize("address", NEVER)
def test_addresses_of_the_cloud_and_of_nobody_are_never_reached(address: str) -> None:
    assert is_refused(ip_address(address), allow_private=False)
    assert is_refused(ip_address(address), allow_private=True)


def test_a_url_in_its_parts() -> None:
    assert parse_url("https://band.example/hook?a=1", allow_private=False) == Receiver(
        True, "band.example", 443, "/hook?a=1"
    )
    assert parse_url("https://[2606:4700::1]:8443", allow_private=False) == Receiver(True, "2606:4700::1", 8443, "/")
    assert parse_url("http://localhost:5000/x", allow_private=True) == Receiver(False, "localhost", 5000, "/x")


@pytest.mark.parametrize(
    "url",
    [
        "http://band.example/",
        "ftp://band.example/",
        "band.example",
        "//band.example/",
        "https:///hook",
        "https://user@band.example/",
        "https://user:password@band.example/",
        "https://band.example/#part",
        "https://band.example:0/",
        "https://band.example:99999/",
        "https://band.example/a b",
        "https://band.example/\r\nX-Header: 1",
        "https://bänd.example/",
        "https://[::1/",
        "https://band.example/" + "x" * MAX_URL_CHARACTERS,
        "",
    ],
)
def test_a_url_that_is_none_or_not_https_is_refused(url: str) -> None:
    with pytest.raises(InvalidRequest):
        parse_url(url, allow_private=False)


def test_an_address_in_the_url_is_checked_at_once() -> None:
    for url in ("https://127.0.0.1/", "https://[::ffff:169.254.169.254]/", "https://10.0.0.8:8443/"):
        with pytest.raises(RefusedAddress, match="public addresses only"):
            parse_url(url, allow_private=False)
    with pytest.raises(RefusedAddress):
        parse_url("http://169.254.169.254/latest/meta-data", allow_private=True)


def test_one_address_of_the_inside_among_public_ones_refuses_the_host() -> None:
    receiver = parse_url("https://band.example/", allow_private=False)
    assert checked_addresses(receiver, allow_private=False, resolve=lambda *_: ["8.8.8.8", "1.1.1.1"]) == [
        "8.8.8.8",
        "1.1.1.1",
    ]
    with pytest.raises(RefusedAddress, match=r"band\.example is 10\.0\.0\.7"):
        checked_addresses(receiver, allow_private=False, resolve=lambda *_: ["8.8.8.8", "10.0.0.7"])
    with pytest.raises(RefusedAddress):
        checked_addresses(receiver, allow_private=True, resolve=lambda *_: ["fe80::1%eth0"])


@pytest.mark.parametrize("name", ["localhost", "2130706433", "0x7f.1", "127.1"])
def test_other_spellings_of_loopback_are_found_by_resolving_them(name: str) -> None:
    receiver = parse_url(f"https://{name}/", allow_private=False)
    assert resolve_host(name, 443)
    with pytest.raises(RefusedAddress):
        checked_addresses(receiver, allow_private=False)
