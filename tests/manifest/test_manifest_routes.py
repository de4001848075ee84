"""Routes are taken apart, and two that nothing can tell apart are found."""

from __future__ import annotations

import pytest

from paddock.errors import ManifestError
from paddock.manifest.routes import (
    Claim,
    Route,
    Segment,
    collisions,
    parse_host,
    parse_method,
    parse_route,
)


def test_a_route_is_taken_apart_into_segments() -> None:
    assert parse_route("/a/:id/...") == Route(
        "/a/:id/...", (Segment("a"), Segment("id", is_parameter=True)), wildcard=True
    )


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("/", "/"),
        ("/...", "/..."),
        ("/*", "/..."),
        ("/a", "/a"),
        ("/a/", "/a"),
        ("/a/:id", "/a/:"),
        ("/a/:other/b/*", "/a/:/b/..."),
        ("/A", "/A"),
        ("/v1/things:batch", "/v1/things:batch"),
        ("/a%20b", "/a%20b"),
        ("/.well-known/acme", "/.well-known/acme"),
        ("/.well-known/spinning", "/.well-known/spinning"),
    ],
)
def test_routes_of_one_shape_match_the_same_paths(text: str, shape: str) -> None:
    assert parse_route(text).shape == shape


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "does not start with '/'"),
        ("a", "does not start with '/'"),
        ("//", "empty"),
        ("/a//b", "empty"),
        ("/a/../b", "'..'"),
        ("/a/.", "'.'"),
        ("/.../a", "not its last segment"),
        ("/*/a", "not its last segment"),
        ("/a*", "not its last segment"),
        ("/a/....", "not its last segment"),
        ("/:", "invalid name"),
        ("/:1", "invalid name"),
        ("/:a.b", "invalid name"),
        ("/:a/:A", "twice"),
        ("/a b", "no path has"),
        ("/a?b", "no path has"),
        ("/a#b", "no path has"),
        ("/a\n", "no path has"),
        ("/%zz", "starts no escape"),
        ("/.well-known/spin/health", "reserved"),
        ("/.well-known/paddock/...", "reserved"),
    ],
)
def test_a_wrong_route_says_why(text: str, reason: str) -> None:
    with pytest.raises(ManifestError, match=reason) as caught:
        parse_route(text)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("one", "two", "collide"),
    [
        (Claim("/a"), Claim("/a"), True),
        (Claim("/a"), Claim("/b"), False),
        (Claim("/a"), Claim("/a/..."), False),
        (Claim("/a", ("GET",)), Claim("/a", ("POST",)), False),
        (Claim("/a", ("GET", "PUT")), Claim("/a", ("PUT",)), True),
        (Claim("/a", ("GET",)), Claim("/a"), True),
        (Claim("/a", host="x"), Claim("/a"), False),
        (Claim("/a", host="x"), Claim("/a", host="y"), False),
        (Claim("/a", host="x"), Claim("/a", host="x"), True),
    ],
)
def test_two_claims_collide_when_they_answer_the_same_request(
    one: Claim, two: Claim, collide: bool
) -> None:
    assert collisions([one, two]) == ([(0, 1)] if collide else [])


def test_a_claim_is_reported_once_against_the_first_that_it_meets() -> None:
    assert collisions([Claim("/a"), Claim("/b"), Claim("/a"), Claim("/a")]) == [(0, 2), (0, 3)]


def test_methods_are_upper_case_tokens() -> None:
    assert parse_method("get") == "GET"
    assert parse_method("M-SEARCH") == "M-SEARCH"
    for text in ("", "GET ", "GET,POST", "é"):
        with pytest.raises(ManifestError, match="not an HTTP method"):
            parse_method(text)


def test_hosts_are_lower_case_names() -> None:
    assert parse_host("Example.COM") == "example.com"
    assert parse_host("*.example.com") == "*.example.com"
    for text in ("", "a:80", "http://a", "a/b", "a..b", "*", "*.*.a", "-a", "a" * 300):
        with pytest.raises(ManifestError, match="not a host name"):
            parse_host(text)
