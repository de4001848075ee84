"""Which route answers: precedence, hosts, methods, private routes, static responses."""

from __future__ import annotations

from pathlib import Path

import pytest
from hosts import Running, paddock
from manifests import component, routed, write
from wire import Wire, ask

STATIC = '[[trigger.http]]\nroute = "{route}"\n{extra}static_response = {{ body = "{body}" }}\n'


def static(body: str, route: str, extra: str = "") -> str:
    return STATIC.format(route=route, body=body, extra=extra)


@pytest.fixture(scope="module")
def host(module_up, tmp_path_factory: pytest.TempPathFactory) -> Running:
    return module_up(
        write(
            tmp_path_factory.mktemp("routing"),
            static("root", "/"),
            static("exact", "/a/b"),
            static("parameter", "/a/:name"),
            static("wild", "/a/..."),
            static("deeper", "/a/b/c/..."),
            static("got", "/method", 'methods = ["GET"]\n'),
            static("posted", "/method", 'methods = ["POST", "PUT"]\n'),
            static("other host", "/a/b", 'host = "other.test"\n'),
            static("any subdomain", "/a/b", 'host = "*.wide.test"\n'),
            '[[trigger.http]]\nroute = "/moved"\n',
            'static_response = { status_code = 302, headers = { location = "/a/b", x-a = "1" }, body = "" }\n',
            '[[trigger.http]]\nroute = "/gone"\nstatic_response = { status_code = 410 }\n',
            static("umlaut", "/gr%C3%BCn"),
            routed("routes", route="/users/:user/items/:item/..."),
            '[[trigger.http]]\nroute = { private = true }\ncomponent = "hidden"\n',
            component("hidden", "hello"),
        )
    )


@pytest.mark.parametrize(
    ("path", "body"),
    {
        "/": "root",
        "/a/b": "exact",
        "/a/b/": "exact",
        "/a/x": "parameter",
        "/a/x/y": "wild",
        "/a": "wild",
        "/a/b/c": "deeper",
        "/a/b/c/d/e": "deeper",
        "/a/b/x": "wild",
        "/a/b?c=/a/x": "exact",
        "/gr%c3%bcn": "umlaut",
        "/%61/b": "exact",
    }.items(),
)
def test_exact_beats_parameter_beats_wildcard_and_the_longest_prefix_wins(
    host: Running, path: str, body: str
) -> None:
    assert host.get(path).text == body


@pytest.mark.parametrize(
    "path", ["/b", "/A/b", "/methods", "/users/1/items", "/users//items/2", "/hidden", "/a%2Fb"]
)
def test_a_path_without_a_route_is_not_found(host: Running, path: str) -> None:
    assert host.get(path).status_code == 404


@pytest.mark.parametrize(
    "path", ["/a/../secret", "/../a/b", "/a/./b", "/a/%2e%2e/b", "/a/%2E./b", "/a/b/.."]
)
def test_a_path_with_dots_is_refused(host: Running, path: str) -> None:
    answer = ask(host.port, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.status in (400, 404)


def test_parameters_and_the_rest_are_told(host: Running) -> None:
    with Wire(host.port) as wire:
        wire.request("GET /users/j%C3%B6/items/7/rest/of/it HTTP/1.1")
        answer = wire.answer()
    # The guest knows no such path, but it was the guest that answered.
    assert (answer.status, answer.body) == (
        404,
        b"no route /users/j%C3%B6/items/7/rest/of/it\n",
    )


def test_headers_of_parameters_have_decoded_or_raw_values_by_their_names(
    up, tmp_path: Path
) -> None:
    host = up(write(tmp_path, routed("routes", route="/:name")))
    lines = host.get("/headers").text.splitlines()
    assert "spin-path-match-name: headers" in lines
    assert "spin-matched-route: /:name" in lines


def test_methods_choose_a_route_and_others_are_told_what_is_allowed(host: Running) -> None:
    assert host.get("/method").text == "got"
    assert host.client.put("/method").text == "posted"
    answer = host.client.delete("/method")
    assert answer.status_code == 405
    assert {m.strip() for m in answer.headers["allow"].split(",")} == {"GET", "HEAD", "POST", "PUT"}
    assert host.client.head("/method").status_code == 200


def test_a_host_of_its_own_comes_before_any_host(host: Running) -> None:
    def at(name: str) -> str:
        return host.get("/a/b", headers={"host": name}).text

    assert at("other.test") == "other host"
    assert at("OTHER.test:8080") == "other host"
    assert at("x.wide.test") == at("y.x.wide.test") == "any subdomain"
    assert at("wide.test") == "exact"
    # What the host's own routes don't answer is answered for any host.
    assert host.get("/a/x", headers={"host": "other.test"}).text == "parameter"


def test_a_static_response_has_status_headers_and_body(host: Running) -> None:
    answer = host.get("/moved")
    assert (answer.status_code, answer.headers["location"], answer.headers["x-a"]) == (
        302,
        "/a/b",
        "1",
    )
    assert answer.headers["content-length"] == "0"
    assert host.get("/gone").status_code == 410


def test_head_of_a_static_response_has_no_body(host: Running) -> None:
    with Wire(host.port) as wire:
        wire.request("HEAD /a/b HTTP/1.1")
        assert wire.answer("HEAD").header("content-length") == "5"
        wire.request("GET / HTTP/1.1")
        assert wire.answer().body == b"root"


def test_a_private_route_is_printed_as_such(host: Running) -> None:
    assert "hidden: (private)" in host.stdout


def test_two_triggers_for_the_same_request_refuse_the_plan(tmp_path: Path, cache: Path) -> None:
    manifest = write(tmp_path, static("one", "/a/:x"), static("two", "/a/:y"))
    done = paddock("up", manifest, "--listen", "127.0.0.1:0", cache=cache)
    assert done.returncode in (3, 5)
    assert "trigger.http[1].route: answers the same requests as trigger.http[0]" in done.stderr
