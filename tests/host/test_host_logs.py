"""One line for each record, for people or as JSON, and files by component."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from paddock.host import logs


@dataclass
class Event:
    """As the core tells of its guests."""

    kind: str
    fields: dict[str, str] = field(default_factory=dict)
    application: str = "app"
    component: str = "api"
    instance: int = 3


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger("paddock")
    before = list(root.handlers), root.level, root.propagate
    yield
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()
    root.handlers[:], root.level, root.propagate = before


def line(text: str, stream: str = "stdout") -> list[object]:
    return [Event("line", {"output": stream, "text": text})]


def test_a_guests_line_has_time_component_and_stream(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up(logs.LogOptions())
    logs.report(line("hello"))  # type: ignore[arg-type]
    text = capsys.readouterr().err
    assert text.endswith("Z [api] stdout: hello\n") and text[10] == "T"


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (
            Event("limit", {"limit": "time", "value": "5s"}),
            "[api] warning: the time limit of 5s was reached",
        ),
        (Event("failed", {"reason": "why"}), "[api] error: the guest failed: why"),
        (Event("denied", {"what": "x", "grant": "g"}), "x is not granted; to grant it: g"),
    ],
)
def test_what_the_core_tells_is_a_sentence(
    capsys: pytest.CaptureFixture[str], event: Event, text: str
) -> None:
    logs.set_up(logs.LogOptions())
    logs.report([event])  # type: ignore[list-item]
    assert text in capsys.readouterr().err


def test_json_has_fields(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up(logs.LogOptions(json=True))
    logs.report(line('a "b"'))  # type: ignore[arg-type]
    record = json.loads(capsys.readouterr().err)
    assert record["message"] == 'a "b"' and record["component"] == "api"
    assert (record["application"], record["instance"], record["stream"]) == ("app", 3, "stdout")


def test_quiet_hides_guests_but_not_the_host(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up(logs.LogOptions(quiet=True))
    logs.report([*line("hidden"), Event("failed", {"reason": "shown"})])  # type: ignore[list-item]
    text = capsys.readouterr().err
    assert "shown" in text and "hidden" not in text


def test_files_are_by_component_and_stream(tmp_path: Path) -> None:
    logs.set_up(logs.LogOptions(directory=tmp_path / "logs"))
    logs.report([*line("one"), *line("two", "stderr")])  # type: ignore[list-item]
    logs.set_up(logs.LogOptions())
    files = {path.name: path.read_text() for path in (tmp_path / "logs").iterdir()}
    assert set(files) == {"app_api_stdout.txt", "app_api_stderr.txt"}
    assert files["app_api_stdout.txt"].endswith("one\n")


def test_what_a_server_says_can_not_look_like_a_record(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.set_up(logs.LogOptions())
    try:
        raise ValueError("no\n2026-01-31T12:00:00.123Z paddock info: all is well")
    except ValueError as error:
        logging.getLogger("paddock.providers").warning("it said: %s", error, exc_info=True)
    written = capsys.readouterr().err.splitlines()
    assert [each[:1].isdigit() for each in written] == [True] + [False] * (len(written) - 1)
    assert "  2026-01-31T12:00:00.123Z paddock info: all is well" in written


@pytest.mark.parametrize("text", ["a\nb", "a\r\nb", "a\x1b[2Jb", "a\0b", "a\x07b"])
def test_a_guest_can_not_write_control_characters(
    capsys: pytest.CaptureFixture[str], text: str
) -> None:
    logs.set_up(logs.LogOptions())
    logs.report(line(text))  # type: ignore[arg-type]
    written = capsys.readouterr().err
    assert written.count("\n") == 1 and written.endswith("\n")
    assert all(character.isprintable() for character in written[:-1])
