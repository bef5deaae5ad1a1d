"""Which addresses may be posted to: public ones, in whichever form an address comes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmo_hub.host.addresses import is_listed, is_public, networks, parsed


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
        "100.64.0.1", "100.127.255.255", "192.0.0.1", "192.0.0.170", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.51.100.1",
        "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
        "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12:3456::1", "fec0::1", "ff02::1", "ff0e::1", "2001:db8::1", "100::1",
        "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:10.0.0.1", "::127.0.0.1", "::ffff:0:127.0.0.1", "::8.8.8.8",
        "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::808:808", "2002:7f00:1::", "2002:a00:1::1", "2002:c0a8:101::", "2001::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    ],
)  # fmt: skip
def test_what_is_not_of_the_open_internet_is_refused(text: str) -> None:
    assert not is_public(parsed(text))


@pytest.mark.parametrize(
    "text", ["8.8.8.8", "1.1.1.1", "100.63.255.255", "100.128.0.0", "172.32.0.1", "2606:4700::1111", "64:ff9b::808:808", "2002:808:808::1"]
)
def test_what_is_public_is_reached(text: str) -> None:
    assert is_public(parsed(text))


@given(st.ip_addresses(v=4))
def test_an_address_is_judged_alike_in_every_form_that_carries_it(address: object) -> None:
    four = parsed(str(address))
    for form in (f"64:ff9b::{four}",):
        assert is_public(parsed(form)) == is_public(four)
    high, low = int(four) >> 16, int(four) & 0xFFFF
    assert is_public(parsed(f"2002:{high:x}:{low:x}::1")) == is_public(four)
    assert not is_public(parsed(f"::ffff:{four}"))


def test_listed_networks_are_found_in_mapped_form_too() -> None:
    listed = networks(["10.1.0.0/16", "::1", "192.168.7.7"])
    for text in ("10.1.2.3", "::ffff:10.1.2.3", "::1", "192.168.7.7"):
        assert is_listed(parsed(text), listed)
    for text in ("10.2.0.1", "::ffff:10.2.0.1", "::2", "192.168.7.8", "2002:a01:203::1"):
        assert not is_listed(parsed(text), listed)


def test_what_is_no_network_is_named() -> None:
    with pytest.raises(ValueError, match="'ten'"):
        networks(["10.0.0.0/8", "ten"])
