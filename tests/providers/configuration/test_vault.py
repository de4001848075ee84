"""Variables out of a Vault-compatible server: OpenBao, a real one."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.services.openbao import OpenBaoServer

from paddock.errors import CapabilityError, Unavailable
from paddock.providers.configuration import vault
from paddock.providers.configuration.vault import VaultConfig, VaultConfiguration, VaultValues
from paddock.providers.options import OptionError
from paddock.types import resolve


def values(server: OpenBaoServer, **options: object) -> VaultValues:
    table = {"url": server.url, "token": server.password, "refresh": 0, "timeout": "500ms"}
    config = VaultConfig.from_table({**table, **options})
    return VaultConfiguration.open(config, application="a", name="", state_dir=Path())


def got(source: VaultValues, name: str) -> str | None:
    return asyncio.run(resolve(source.get(name)))


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_variables_are_the_fields_of_one_secret(openbao_server: OpenBaoServer) -> None:
    openbao_server.put("shop", {"api_key": "s3cret", "größe": "1 é"})
    source = values(openbao_server, path="shop")
    assert got(source, "api_key") == "s3cret"
    assert got(source, "größe") == "1 é"
    assert got(source, "absent") is None
    assert asyncio.run(resolve(source.get_all())) == {"api_key": "s3cret", "größe": "1 é"}


def test_variables_are_secrets_of_their_own_below_a_prefix_as_in_spin(
    openbao_server: OpenBaoServer,
) -> None:
    openbao_server.put("spin/one/password", {"value": "p"})
    source = values(openbao_server, prefix="spin/one")
    assert got(source, "password") == "p"
    assert got(source, "absent") is None


def test_a_change_shows_after_the_refresh_time(openbao_server: OpenBaoServer) -> None:
    openbao_server.put("changing", {"a": "1"})
    kept = values(openbao_server, path="changing", refresh="1h")
    fresh = values(openbao_server, path="changing")
    assert (got(kept, "a"), got(fresh, "a")) == ("1", "1")
    openbao_server.put("changing", {"a": "2"})
    assert (got(kept, "a"), got(fresh, "a")) == ("1", "2")


def test_another_mount_is_asked(openbao_server: OpenBaoServer) -> None:
    status, _ = openbao_server.call("POST", "sys/mounts/team/kv", {"type": "kv-v2"})
    assert status == 204
    until(lambda: openbao_server.call("POST", "team/kv/data/x", {"data": {"a": "1"}})[0] == 200)
    assert got(values(openbao_server, mount="team/kv", path="x"), "a") == "1"


def test_a_token_sees_what_its_policy_allows(openbao_server: OpenBaoServer) -> None:
    openbao_server.put("mine", {"a": "1"})
    openbao_server.put("other", {"a": "hidden"})
    token = openbao_server.token_for('path "secret/data/mine" { capabilities = ["read"] }')
    assert got(values(openbao_server, path="mine", token=token), "a") == "1"
    with pytest.raises(CapabilityError, match="access was refused") as raised:
        got(values(openbao_server, path="other", token=token), "a")
    assert not raised.value.retryable
    assert token not in str(raised.value)


def test_a_secret_of_version_1_is_told_apart(openbao_server: OpenBaoServer) -> None:
    openbao_server.call("POST", "sys/mounts/old", {"type": "kv", "options": {"version": "1"}})
    openbao_server.call("POST", "old/data/x", {"a": "hidden"})
    with pytest.raises(CapabilityError, match="not that of a key-value engine") as raised:
        got(values(openbao_server, mount="old", path="x"), "a")
    assert raised.value.__cause__ is None and "hidden" not in str(raised.value)


def test_a_paused_server_is_an_error_within_the_timeout_for_all_at_once(
    own_openbao: OpenBaoServer,
) -> None:
    source = values(own_openbao, path="x")
    own_openbao.pause()

    def ask(_: int) -> Exception:
        with pytest.raises(Unavailable) as raised:
            got(source, "a")
        return raised.value

    # One waits for the server; the others are told the same without waiting in turn.
    with ThreadPoolExecutor(16) as pool:
        assert {str(error) for error in pool.map(ask, range(16))} == {
            f"Vault at {own_openbao.url}, secret/x can't be reached: no answer in time"
        }
    own_openbao.resume()
    own_openbao.put("x", {"a": "1"})

    def back() -> bool:
        try:
            return got(source, "a") == "1"
        except Unavailable:
            return False

    until(back)


def test_while_the_server_is_down_the_last_values_are_used_and_one_warning_logged(
    own_openbao: OpenBaoServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vault, "PAUSE", 0.0)
    own_openbao.put("x", {"a": "1"})
    source = values(own_openbao, path="x")
    assert got(source, "a") == "1"
    with caplog.at_level(logging.WARNING, logger="paddock.host"):
        own_openbao.kill()
        assert [got(source, "a"), got(source, "a")] == ["1", "1"]
    (line,) = caplog.messages
    assert "the last values known are used" in line and own_openbao.password not in line
    own_openbao.restart()
    own_openbao.put("x", {"a": "2"})
    assert got(source, "a") == "2"


def test_opening_needs_no_server() -> None:
    config = VaultConfig.from_table({"url": "http://127.0.0.1:1", "token": "t0ken", "path": "x"})
    source = VaultConfiguration.open(config, application="a", name="", state_dir=Path())
    with pytest.raises(Unavailable, match="can't be reached: Connection refused"):
        got(source, "a")
    assert "t0ken" not in repr(config)


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"url": None}, "url"),
        ({"url": "ftp://x"}, "url"),
        ({"url": "http://u:p@x"}, "url"),
        ({"url": "http://x/v1"}, "url"),
        ({"token": None}, "token"),
        ({"token": "a\nb"}, "token"),
        ({"prefix": "a"}, "prefix"),
        ({"ca": "absent.pem"}, "ca"),
        ({"tokn": "x"}, "tokn"),
    ],
)
def test_a_bad_table_is_refused_without_showing_the_token(
    changed: dict[str, object], key: str
) -> None:
    table = {"url": "http://127.0.0.1:1", "token": "t0ken", "path": "x", **changed}
    with pytest.raises(OptionError) as raised:
        VaultConfig.from_table({name: value for name, value in table.items() if value is not None})
    assert raised.value.key == key
    assert "t0ken" not in str(raised.value)


async def test_a_vault_that_has_not_answered_yet_is_waited_for(
    own_openbao: OpenBaoServer, caplog: pytest.LogCaptureFixture
) -> None:
    own_openbao.put("late", {"a": "1"})
    own_openbao.pause()
    source = values(own_openbao, path="late", wait="60s")
    asking = [asyncio.ensure_future(resolve(source.get(name))) for name in ("a", "b")]
    while "it is waited for" not in caplog.text:
        await asyncio.sleep(0.02)
    own_openbao.resume()
    assert await asyncio.gather(*asking) == ["1", None]
    own_openbao.pause()
    with pytest.raises(Unavailable):
        await resolve(values(own_openbao, path="late").get("a"))
    # Once it has answered, nobody waits any more for what the server has not told yet.
    assert await resolve(source.get("a")) == "1"
