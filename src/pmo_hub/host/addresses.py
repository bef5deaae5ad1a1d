"""Which addresses the hub may post to: public ones, and those that its admin has listed. Judged after names are resolved, in every form."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Forms of IPv6 in which an IPv4 address travels: RFC 4291 (compatible), 6052 (NAT64), 8215 (NAT64 of one's own network), 3056 (6to4),
# 4380 (Teredo), and the SIIT prefix of RFC 2765.
_MAPPED = IPv6Network("::ffff:0:0/96")
_COMPATIBLE = IPv6Network("::/96")
_TRANSLATED = IPv6Network("::ffff:0:0:0/96")
_NAT64 = IPv6Network("64:ff9b::/96")
_LOCAL_NAT64 = IPv6Network("64:ff9b:1::/48")
_SIX_TO_FOUR = IPv6Network("2002::/16")
_TEREDO = IPv6Network("2001::/32")
_SITE_LOCAL = IPv6Network("fec0::/10")

# Beside what the library calls not global: some of its versions call parts of these global.
_NEVER_V4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
        "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    )
)  # fmt: skip


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """The networks (or single addresses) of these texts; raises ValueError that names the one that is none."""
    found = []
    for text in texts:
        try:
            found.append(ip_network(text.strip(), strict=False))
        except ValueError:
            raise ValueError(f"{text!r} is no address and no network, such as 10.1.2.0/24.") from None
    return tuple(found)


def parsed(text: str) -> Address:
    """The address that a resolver gave, without its zone."""
    return ip_address(text.partition("%")[0])


def is_listed(address: Address, allowed: Sequence[Network]) -> bool:
    """Whether an admin has listed it, in whichever form it comes."""
    forms: list[Address] = [address]
    if isinstance(address, IPv6Address) and address in _MAPPED:
        forms.append(_embedded(address, 0))
    return any(form in network for form in forms for network in allowed if form.version == network.version)


def is_public(address: Address) -> bool:
    """Whether it is one of the open internet: none of a private network, this machine, a link, a group, or nobody's."""
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast and not any(address in never for never in _NEVER_V4)
    if address in _MAPPED or address in _TRANSLATED:
        return False  # a public host has no need to hide in it
    if address in _NAT64:
        return is_public(_embedded(address, 0))
    if address in _SIX_TO_FOUR:
        return is_public(_embedded(address, 80))
    refused = (_COMPATIBLE, _LOCAL_NAT64, _TEREDO, _SITE_LOCAL)
    return address.is_global and not address.is_multicast and not any(address in never for never in refused)


def _embedded(address: IPv6Address, shift: int) -> IPv4Address:
    return IPv4Address((int(address) >> shift) & 0xFFFFFFFF)
