"""Grants for outgoing connections mean what they mean in Spin."""

from __future__ import annotations

import pytest

from paddock.errors import ManifestError
from paddock.manifest.outbound import (
    check_template,
    covers,
    grants_of_http_host,
    is_pattern,
    parse_grant,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://example.com", ("http", "name", "example.com", 80, 81)),
        ("https://Example.com/", ("https", "name", "example.com", 443, 444)),
        ("https://example.com:8443", ("https", "name", "example.com", 8443, 8444)),
        ("https://example.com:8443/", ("https", "name", "example.com", 8443, 8444)),
        ("https://example.com.", ("https", "name", "example.com", 443, 444)),
        ("postgres://db", ("postgres", "name", "db", 5432, 5433)),
        ("mysql://db", ("mysql", "name", "db", 3306, 3307)),
        ("redis://localhost", ("redis", "name", "localhost", 6379, 6380)),
        ("mqtt://broker", ("mqtt", "name", "broker", 1883, 1884)),
        ("http://*:*", ("http", "any", "", 0, 65536)),
        ("*://*:*", ("*", "any", "", 0, 65536)),
        ("*://a:80", ("*", "name", "a", 80, 81)),
        ("http://*.example.com", ("http", "subdomains", "example.com", 80, 81)),
        ("tcp://127.0.0.1:6000..6010", ("tcp", "address", "127.0.0.1", 6000, 6010)),
        ("udp://10.0.0.0/8:*", ("udp", "network", "10.0.0.0/8", 0, 65536)),
        ("http://10.1.2.3/8", ("http", "network", "10.0.0.0/8", 80, 81)),
        ("http://[::1]:8080", ("http", "address", "::1", 8080, 8081)),
        ("http://[::1]", ("http", "address", "::1", 80, 81)),
        ("tcp://[fd00::/8]:53", ("tcp", "network", "fd00::/8", 53, 54)),
        ("tcp://[fd00::]/8:53", ("tcp", "network", "fd00::/8", 53, 54)),
        ("http://self", ("http", "self", "", 80, 81)),
        ("https://self.alt", ("https", "self", "", 443, 444)),
        ("http://cart.spin.internal", ("http", "component", "cart", 80, 81)),
        ("http://cart.paddock.internal", ("http", "component", "cart", 80, 81)),
        ("http://*.spin.internal", ("http", "component", "*", 80, 81)),
    ],
)
def test_a_grant_is_taken_apart(text: str, expected: tuple[str, str, str, int, int]) -> None:
    grant = parse_grant(text)
    assert grant.text == text
    assert (
        grant.scheme,
        grant.host_kind,
        grant.host,
        grant.first_port,
        grant.end_port,
    ) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not a grant"),
        ("*", "not a grant"),
        ("example.com", "not a grant"),
        ("example.com:80", "not a grant"),
        ("http://", "invalid host"),
        ("http:// a", "invalid host"),
        ("h2c://a:80", "invalid scheme"),
        ("http://a/b", "has a path"),
        ("http://a:80/b", "has a path"),
        ("http://a:", "empty port"),
        ("http://[::1]:", "empty port"),
        ("http://[::1", "invalid host"),
        ("http://[::1]x", "invalid host"),
        ("http://[zz]", "invalid"),
        ("http://a:b", "invalid port"),
        ("http://a:65536", "invalid port"),
        ("http://a:80..80", "empty range"),
        ("http://a:80..", "invalid port"),
        ("http://a.*", "inside the host"),
        ("http://*a.com", "inside the host"),
        ("tcp://a", "no port"),
        ("*://a", "no port"),
        ("{http,https}://a", "braces"),
        ("http://{a,b}", "braces"),
        ("http://a:{80,81}", "braces"),
        ("http://-.spin.internal", "names no component"),
        ("http://user@a", "invalid host"),
    ],
)
def test_a_wrong_grant_says_why(text: str, reason: str) -> None:
    with pytest.raises(ManifestError, match=reason) as caught:
        parse_grant(text)
    assert caught.value.hint


def test_a_grant_with_a_template_is_checked_as_far_as_it_can_be() -> None:
    assert check_template("{{ scheme }}://{{ host }}") == "{{ scheme }}://{{ host }}"
    with pytest.raises(ManifestError, match="not closed"):
        check_template("http://{{ host")


def test_an_old_http_host_means_http_and_https() -> None:
    assert grants_of_http_host("a.com") == ("http://a.com", "https://a.com")
    assert grants_of_http_host("https://a.com") == ("https://a.com",)
    assert grants_of_http_host("insecure:allow-all") == ("http://*:*", "https://*:*")
    with pytest.raises(ManifestError):
        grants_of_http_host("redis://a")


@pytest.mark.parametrize(
    ("grant", "used", "covered"),
    [
        ("https://example.com", "https://example.com", True),
        ("https://example.com", "https://example.com:443", True),
        ("https://example.com", "http://example.com", False),
        ("https://example.com", "https://www.example.com", False),
        ("https://*.example.com", "https://www.example.com", True),
        ("https://*.example.com", "https://example.com", False),
        ("*://*:*", "redis://10.0.0.1:6379", True),
        ("redis://10.0.0.0/8:6379", "redis://10.1.2.3:6379", True),
        ("redis://10.0.0.0/8:6379", "redis://11.1.2.3:6379", False),
        # Which address a name has is not known here.
        ("redis://10.0.0.0/8:6379", "redis://db:6379", True),
        ("tcp://1.2.3.4:8000..8010", "tcp://1.2.3.4:8009", True),
        ("tcp://1.2.3.4:8000..8010", "tcp://1.2.3.4:8010", False),
        ("http://*.spin.internal", "http://api.spin.internal", True),
        ("http://self", "http://self", True),
        ("http://*:*", "http://self", False),
        ("https://{{ host }}", "https://example.com", True),
        ("https://{{ host }}", "redis://example.com", False),
        ("{{ everything }}", "redis://example.com", True),
        ("https://example.com", "no grant at all", False),
    ],
)
def test_a_grant_covers_what_it_may_have_allowed(grant: str, used: str, covered: bool) -> None:
    assert covers(grant, used) is covered


@pytest.mark.parametrize(
    ("grant", "pattern"),
    [
        ("https://example.com", False),
        ("http://self", False),
        ("http://api.spin.internal", False),
        ("https://{{ host }}", False),
        ("https://*.example.com", True),
        ("*://example.com:80", True),
        ("tcp://1.2.3.4:1..3", True),
        ("tcp://1.2.3.4:1..2", False),
        ("http://10.0.0.0/8", True),
        ("http://*.spin.internal", True),
    ],
)
def test_a_grant_for_more_than_one_place_is_a_pattern(grant: str, pattern: bool) -> None:
    assert is_pattern(grant) is pattern
