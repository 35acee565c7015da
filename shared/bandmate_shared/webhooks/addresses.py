"""Which receivers a webhook may reach.

A tenant names the URL, and a process inside the operator's network opens it: server-side request forgery, unless the
address is checked. So the host is resolved once, every address that it has must be a public one, and the connection
goes to the checked address, not to the name again, which may resolve to another a moment later.
"""

import socket
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from bandmate_shared.errors import BandmateError, InvalidRequest

MAX_URL_CHARACTERS = 2000

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], list[str]]
"""A host's addresses. Raises OSError where it has none."""

_NAT64 = IPv6Network("64:ff9b::/96")
_DEFAULT_PORTS = {"https": 443, "http": 80}


class RefusedAddress(BandmateError):
    """The receiver's name leads to an address that webhooks must not reach."""

    type = "refused-address"
    title = "Webhooks must not reach this address"
    status = 422


@dataclass(frozen=True, slots=True)
class Receiver:
    """A checked URL in its parts. `target` is the path with the query."""

    is_https: bool
    host: str
    port: int
    target: str


def parse_url(url: str, *, allow_private: bool) -> Receiver:
    """Check a receiver's URL, without a look at the network. `allow_private` allows http and addresses of the inside.

    Raises InvalidRequest, and RefusedAddress where the host is written as an address that is refused.
    """
    if len(url) > MAX_URL_CHARACTERS or not all("!" <= character <= "~" for character in url):
        raise InvalidRequest(
            f"a webhook's URL has at most {MAX_URL_CHARACTERS} printable ASCII characters without spaces;"
            " write others as %XX, and a host in Punycode"
        )
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise InvalidRequest(f"a webhook's URL cannot be read: {error}") from error
    schemes = ("https", "http") if allow_private else ("https",)
    if parts.scheme not in schemes:
        raise InvalidRequest(f"a webhook's URL begins with {' or '.join(f'{scheme}://' for scheme in schemes)}")
    if not host or port == 0:
        raise InvalidRequest("a webhook's URL needs a host, and no port or one from 1 to 65535")
    if parts.username is not None or parts.password is not None or "#" in url:
        raise InvalidRequest("a webhook's URL has neither a user, nor a password, nor a fragment (#…)")
    try:
        written = ip_address(host)
    except ValueError:
        pass  # A name: it is resolved when the webhook is sent.
    else:
        _check(host, written, allow_private)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Receiver(parts.scheme == "https", host, port or _DEFAULT_PORTS[parts.scheme], target)


def resolve_host(host: str, port: int) -> list[str]:
    """What the system's resolver answers, without repetitions."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def checked_addresses(receiver: Receiver, *, allow_private: bool, resolve: Resolve = resolve_host) -> list[str]:
    """The addresses to connect to. Raises RefusedAddress if even one of them is refused, and what `resolve` raises."""
    found = resolve(receiver.host, receiver.port)
    for text in found:
        _check(receiver.host, ip_address(text.partition("%")[0]), allow_private)
    return found


def is_refused(address: Address, *, allow_private: bool) -> bool:
    """Whether webhooks must not reach an address.

    Of the inside (loopback, private, shared by a carrier) only with `allow_private`; link-local addresses, at one of
    which clouds serve their machines' credentials, multicast, unspecified and reserved ones never. An IPv6 address that
    stands for an IPv4 address is judged as that.
    """
    embedded = _embedded(address)
    if embedded is not None:
        return is_refused(embedded, allow_private=allow_private)
    if address.is_loopback:
        return not allow_private
    if address.is_link_local or address.is_multicast or address.is_unspecified or address.is_reserved:
        return True
    return not address.is_global and not allow_private


def _embedded(address: Address) -> IPv4Address | None:
    """The IPv4 address inside a mapped, 6to4, Teredo or NAT64 address."""
    if isinstance(address, IPv4Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    return IPv4Address(int(address) & 0xFFFF_FFFF) if address in _NAT64 else None


def _check(host: str, address: Address, allow_private: bool) -> None:
    if is_refused(address, allow_private=allow_private):
        raise RefusedAddress(f"{host} is {address}, and webhooks go to public addresses only")
