"""Triggers without a broker: cron and commands, beside what is served over HTTP."""

from __future__ import annotations

import signal
from pathlib import Path

from hosts import GUESTS, Running, wait_for

CLI = GUESTS / "rust/cli/cli.wasm"
HEAD = 'paddock_manifest_version = 1\n[application]\nname = "jobs"\n'


def write(folder: Path, *parts: str) -> Path:
    manifest = folder / "paddock.toml"
    manifest.write_text(HEAD + "\n".join(parts))
    return manifest


def test_a_component_runs_at_the_times_of_its_cron_expression(up: object, tmp_path: Path) -> None:
    manifest = write(
        tmp_path,
        '[[trigger.cron]]\nid = "tick"\ncomponent = "job"\ncron_expression = "* * * * * *"\n'
        f'[component.job]\nsource = "{CLI}"\n',
    )
    host: Running = up(manifest)  # type: ignore[operator]
    wait_for("two runs", lambda: int(host.trigger("tick")["handled"]) >= 2)  # type: ignore[call-overload]
    assert host.trigger("tick")["next"]
    host.logged(r"\[job\] stdout: ")


def test_a_trigger_goes_on_over_generations_and_is_gone_when_it_is_left_out(
    up: object, tmp_path: Path
) -> None:
    job = f'[component.job]\nsource = "{CLI}"\n'
    cron = '[[trigger.cron]]\nid = "tick"\ncomponent = "job"\ncron_expression = "* * * * * *"\n'
    manifest = write(tmp_path, cron, job)
    host: Running = up(manifest)  # type: ignore[operator]
    wait_for("a run", lambda: host.trigger("tick")["handled"])
    write(tmp_path, cron, job, "[component.job.limits]\nmemory = '100MiB'\n")
    host.apply()
    assert int(host.trigger("tick")["handled"]) >= 1  # type: ignore[call-overload]
    write(tmp_path, job)
    host.apply()
    (application,) = host.status()["applications"]  # type: ignore[misc]
    assert application["triggers"] == []


def test_a_service_is_started_again_and_ends_with_the_host(up: object, tmp_path: Path) -> None:
    manifest = write(
        tmp_path,
        '[[trigger.command]]\nid = "service"\ncomponent = "job"\nrestart = "always"\n'
        'pause = "10ms"\n'
        f'[component.job]\nsource = "{CLI}"\n',
    )
    host: Running = up(manifest)  # type: ignore[operator]
    wait_for("starts", lambda: int(host.trigger("service")["starts"]) >= 3)  # type: ignore[call-overload]
    host.signal(signal.SIGTERM)
    assert host.ended() == 0


def test_mistakes_of_triggers_refuse_the_plan_with_their_place(up: object, tmp_path: Path) -> None:
    mistakes = {
        'cron_expression = "never"': "can't be read",
        'cron_expression = "* * * * *"\ncolour = "red"': "colour",
        'cron_expression = "* * * * *"\ntime_zone = "Mars/Olympus"': "Mars/Olympus",
    }
    for number, (line, told) in enumerate(mistakes.items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        manifest = write(
            folder,
            f'[[trigger.cron]]\ncomponent = "job"\n{line}\n[component.job]\nsource = "{CLI}"\n',
        )
        host: Running = up(manifest, wait=False)  # type: ignore[operator]
        assert host.ended() in (3, 5)
        assert told in host.log and "paddock.toml:4" in host.log
        assert "Traceback" not in host.log
    folder = tmp_path / "type"
    folder.mkdir()
    manifest = write(
        folder, '[[trigger.sqs]]\ncomponent = "job"\n', f'[component.job]\nsource = "{CLI}"\n'
    )
    host = up(manifest, wait=False)  # type: ignore[operator]
    assert host.ended() == 5
    assert "no trigger of type 'sqs'" in host.log and "known types" in host.log
