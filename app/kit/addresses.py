"""Which addresses on the network a call may go to, when somebody else chose the address.

Two looks, and both count. `target` looks at the text of a URL, so that a mistake is told at once.
`refusal` looks at the numbers that a name stands for at the moment of connecting: a name can
stand for something else a second later, so only this one protects.
"""

import re
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import httpx

Address = IPv4Address | IPv6Address

LONGEST_URL = 2_000
PORTS = {"http": 80, "https": 443}

_INTERNAL_4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this host
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carriers' address translation; some clouds' metadata
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # the host of a machine in Azure
        "169.254.0.0/16",  # link-local, with most clouds' metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocols; Oracle's metadata
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # automatic multicast tunnels
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
_GLOBAL_6 = IPv6Network("2000::/3")
"""All that is given out. Outside lie loopback, link-local, private, multicast, NAT64, SRv6 …"""
_INTERNAL_6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocols: Teredo, ORCHID, benchmarks
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, which holds any IPv4 address
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)
_LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
_ENDS_IN_NUMBER = re.compile(r"(^|\.)(0x[0-9a-f]*|[0-9]+)\.?$", re.IGNORECASE)
_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?\.?", re.ASCII)
_OWN_MACHINE = "This address is this service's own machine. Give a public one."
_LOCAL_NAMES = ("localhost", "localhost.localdomain")


class Refused(ValueError):
    """This address is not called. The words are for whoever chose it, and say what to change."""


@dataclass(frozen=True)
class Reach:
    """Where calls may go."""

    allow_http: bool = False
    allow_loopback: bool = False
    """For tests: this machine, on any port, with or without TLS."""
    ports: frozenset[int] = field(default=frozenset({443}))
    """None named: any."""


@dataclass(frozen=True)
class Target:
    """An address that was looked at: the only reading of it that the connection uses."""

    scheme: str
    host: str
    port: int
    path: bytes

    @property
    def authority(self) -> str:
        """What the Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


def target(url: str, reach: Reach) -> Target:
    """The parts of a URL that may be called as far as its text tells; else Refused."""
    found = _parts(url)
    if reach.allow_loopback and _is_local(found.host):
        return found
    _check_host(found.host)
    if found.scheme == "http" and not reach.allow_http:
        raise Refused("Use https://: without it anybody on the way could read and change it.")
    if reach.ports and found.port not in reach.ports:
        allowed = ", ".join(str(port) for port in sorted(reach.ports))
        raise Refused(f"Port {found.port} is not called. Allowed: {allowed}.")
    return found


def _parts(url: str) -> Target:
    if len(url) > LONGEST_URL:
        raise Refused(f"An address has at most {LONGEST_URL} characters.")
    if any(mark.isspace() or not mark.isprintable() or mark == "\\" for mark in url):
        raise Refused("An address holds no spaces, control characters or backslashes.")
    try:
        parsed = httpx.URL(url)
        host = parsed.raw_host.decode("ascii")
    except (httpx.InvalidURL, ValueError, UnicodeError):
        raise Refused("Give a full address, such as https://example.org/hooks.") from None
    if parsed.scheme not in PORTS or not host:
        raise Refused("Give a full address that starts with https://.")
    if parsed.userinfo:
        raise Refused("An address must not hold a user name or password.")
    if "#" in url:
        raise Refused("Leave out the fragment: what follows # never reaches a server.")
    port = PORTS[parsed.scheme] if parsed.port is None else parsed.port
    if not 0 < port < 65_536:
        raise Refused("A port is a number from 1 to 65535.")
    return Target(parsed.scheme, host, port, parsed.raw_path)


def refusal(address: Address, port: int, reach: Reach) -> str | None:
    """Why this number is not connected to, or None if it may be."""
    plain = _plain(address)
    if any(plain in network for network in _LOOPBACK):
        return None if reach.allow_loopback else "this service's own machine"
    if is_internal(plain):
        return "a private or reserved network"
    if reach.ports and port not in reach.ports:
        return f"a port that is not allowed ({port})"
    return None


def is_internal(address: Address) -> bool:
    """Whether an address belongs to no place on the public internet."""
    plain = _plain(address)
    if isinstance(plain, IPv4Address):
        return any(plain in network for network in _INTERNAL_4)
    # An address with a zone is meant for one link.
    if plain.scope_id or plain not in _GLOBAL_6:
        return True
    return any(plain in network for network in _INTERNAL_6)


def _plain(address: Address) -> Address:
    """An IPv4 address that is written as IPv6 is the IPv4 address."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _is_local(host: str) -> bool:
    try:
        return any(_plain(ip_address(host)) in network for network in _LOOPBACK)
    except ValueError:
        return host in _LOCAL_NAMES


def _check_host(host: str) -> None:
    try:
        address = ip_address(host)
    except ValueError:
        if ":" in host or _ENDS_IN_NUMBER.search(host):
            # 2130706433, 0x7f.1, 0177.0.0.1 and 127.1 are all 127.0.0.1 to many a resolver.
            raise Refused("Write an IP address in its usual form, or give a name.") from None
        name = host.removesuffix(".")
        if not _NAME.fullmatch(host):
            raise Refused("This host is not a name that can be looked up.") from None
        if name in _LOCAL_NAMES or name.endswith(".localhost"):
            raise Refused(_OWN_MACHINE) from None
        return
    if any(_plain(address) in network for network in _LOOPBACK):
        raise Refused(_OWN_MACHINE)
    if is_internal(address):
        raise Refused("This address lies in a private or reserved network. Give a public one.")
