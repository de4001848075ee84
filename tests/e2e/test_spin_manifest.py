"""What Spin's manifest may say beside routes and grants: base path, profiles, sources by URL."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hosts import GUESTS, paddock
from manifests import guest

MANIFEST = """\
spin_manifest_version = 2
[application]
name = "app"
version = "1.2.3"
{application}
[[trigger.http]]
route = "/..."
component = "app"
[component.app]
source = {source}
{component}
"""


def written(
    directory: Path, source: str | Path, component: str = "", application: str = ""
) -> Path:
    text = source if isinstance(source, str) else f'"{source}"'
    manifest = directory / "spin.toml"
    manifest.write_text(
        MANIFEST.format(source=text, component=component, application=application),
        encoding="utf-8",
    )
    return manifest


class Quiet(SimpleHTTPRequestHandler):
    """Files of a directory; `/away/…` redirects to a host that is none of this machine's."""

    def do_GET(self) -> None:
        if self.path.startswith("/away/"):
            self.send_response(302)
            self.send_header("location", "http://192.0.2.1/hello.wasm")
            self.end_headers()
            return
        super().do_GET()

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def files() -> Iterator[ThreadingHTTPServer]:
    handler = partial(Quiet, directory=str(GUESTS))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def remote(
    server: ThreadingHTTPServer, path: str = "rust/hello/hello.wasm", digest: str = ""
) -> str:
    data = (GUESTS / "rust/hello/hello.wasm").read_bytes()
    digest = digest or f"sha256:{hashlib.sha256(data).hexdigest()}"
    url = f"http://127.0.0.1:{server.server_address[1]}/{path}"
    return f'{{ url = "{url}", digest = "{digest}" }}'


def test_a_component_is_fetched_once_and_then_kept(
    up, files: ThreadingHTTPServer, tmp_path: Path
) -> None:
    manifest = written(tmp_path, remote(files))
    host = up(manifest)
    assert host.get("/").text.strip() == "hello"
    host.stop()
    files.shutdown()
    files.server_close()
    assert up(manifest).get("/").text.strip() == "hello"


def test_a_kept_component_that_was_changed_is_fetched_again(
    up, files: ThreadingHTTPServer, tmp_path: Path
) -> None:
    manifest = written(tmp_path, remote(files))
    host = up(manifest)
    host.stop()
    kept = next((tmp_path / "state" / "downloads").glob("*.wasm"))
    kept.write_bytes(guest("routes").read_bytes())
    host = up(manifest)
    assert host.get("/").text.strip() == "hello"


@pytest.mark.parametrize(
    ("path", "digest", "words"),
    [
        ("rust/hello/hello.wasm", f"sha256:{'0' * 64}", "has the digest sha256:"),
        ("nothing.wasm", "", "404"),
        ("away/hello.wasm", "", "not fetched from http://192.0.2.1/hello.wasm"),
    ],
)
def test_what_is_not_what_the_manifest_says_refuses_the_plan(
    files: ThreadingHTTPServer, tmp_path: Path, cache: Path, path: str, digest: str, words: str
) -> None:
    manifest = written(tmp_path, remote(files, path, digest))
    done = paddock("up", manifest, "--listen", "127.0.0.1:0", cache=cache)
    assert done.returncode == 5
    assert "spin.toml:10: component 'app'" in done.stderr and words in done.stderr, done.stderr
    assert not list(tmp_path.rglob("*.wasm"))


def test_nothing_is_fetched_without_tls_from_another_machine(tmp_path: Path, cache: Path) -> None:
    source = f'{{ url = "http://u:p@example.com/a.wasm?key=1", digest = "sha256:{"0" * 64}" }}'
    done = paddock("up", written(tmp_path, source), "--listen", "127.0.0.1:0", cache=cache)
    assert done.returncode == 5
    assert "http://example.com/a.wasm: it has to be an https URL" in done.stderr
    assert "u:p" not in done.stderr and "key=1" not in done.stderr


def test_a_base_path_stands_before_every_route(up, tmp_path: Path) -> None:
    application = '[application.trigger.http]\nbase = "/base"'
    host = up(written(tmp_path, guest("hello"), application=application))
    assert host.get("/base/any").text.strip() == "hello"
    assert host.get("/any").status_code == 404
    assert "/base/" in host.stdout


def test_a_host_tells_which_application_it_serves(up, tmp_path: Path) -> None:
    host = up(written(tmp_path, guest("hello")))
    answer = host.get("/.well-known/spin/info")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"name": "app", "version": "1.2.3"}


PROFILES = f"""
environment = {{ MODE = "usual", KEPT = "yes" }}
[component.app.build]
command = "echo usual > built"
[component.app.profile.debug]
source = "{guest("routes")}"
environment = {{ MODE = "debug" }}
build.command = "echo debug > built"
"""


def test_a_profile_is_another_build_of_the_same_application(
    up, tmp_path: Path, cache: Path
) -> None:
    manifest = written(tmp_path, guest("hello"), PROFILES)
    host = up(manifest)
    assert host.get("/env").text.strip() == "hello"
    debug = tmp_path / "debug"
    host = up(manifest, "--profile", "debug", "--build", "--state-dir", debug)
    assert {"MODE=debug", "KEPT=yes"} <= set(host.get("/env").text.splitlines())
    assert (tmp_path / "built").read_text() == "debug\n"
    assert paddock("build", manifest, cache=cache).returncode == 0
    assert (tmp_path / "built").read_text() == "usual\n"
    # An apply keeps to the profile that the host was started with.
    manifest.write_text(manifest.read_text().replace('MODE = "debug"', 'MODE = "changed"'))
    host.apply()
    assert "MODE=changed" in host.get("/env").text.splitlines()


def test_an_unknown_profile_is_told_with_the_known_ones(tmp_path: Path, cache: Path) -> None:
    manifest = written(tmp_path, guest("hello"), PROFILES)
    done = paddock("up", manifest, "--profile", "debgu", cache=cache)
    assert done.returncode == 3
    assert "no component has a profile 'debgu'" in done.stderr and "'debug'" in done.stderr


def test_only_a_directory_can_be_written_to(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "file").touch()
    manifest = tmp_path / "paddock.toml"
    files = 'files = [{ source = "file", destination = "/file", writable = true }]'
    text = written(tmp_path, guest("hello"), files).read_text()
    manifest.write_text(text.replace("spin_manifest_version = 2", "paddock_manifest_version = 1"))
    done = paddock("up", manifest, "--listen", "127.0.0.1:0", cache=cache)
    assert done.returncode == 5
    assert "only a directory can be writable" in done.stderr
    # Spin has no such key.
    done = paddock("up", tmp_path / "spin.toml", cache=cache)
    assert done.returncode == 3 and "files[0].writable: unknown key" in done.stderr


def test_writing_goes_where_the_manifest_allows_it(up, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    files = 'files = [{ source = "data", destination = "/data", writable = true }]'
    text = written(tmp_path, guest("routes"), files).read_text()
    manifest = tmp_path / "paddock.toml"
    manifest.write_text(text.replace("spin_manifest_version = 2", "paddock_manifest_version = 1"))
    host = up(manifest)
    answer = host.client.post("/write-file?path=new", content=b"written")
    assert answer.status_code == 200, answer.text
    assert (tmp_path / "data" / "new").read_bytes() == b"written"
