"""Where a database server is, out of options and URLs; nothing secret is shown."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from paddock.errors import CapabilityError
from paddock.providers.connections.database_target import Product, target_from, target_of
from paddock.providers.options import OptionError, Options

URL = "postgres://user:s%40cret@db.example:5433/shop?sslmode=require"


def read(product: Product = "Postgres", base: Path | None = None, **table: object):
    options = Options(table, "a database", base)
    target = target_from(product, options, base)
    options.done()
    return target


def test_a_url_has_all() -> None:
    target = read(url=URL, timeout="2s", connections=3)
    assert (target.host, target.port, target.user, target.database) == (
        "db.example", 5433, "user", "shop",
    )  # fmt: skip
    assert target.password.value == "s@cret"
    assert (target.tls, target.timeout, target.connections) == ("require", 2.0, 3)


def test_single_options_stand_for_a_url() -> None:
    target = read("MySQL", host="db", user="me", database="shop", password="x", sslmode="disable")
    assert (target.host, target.port, target.user, target.database, target.tls) == (
        "db", 3306, "me", "shop", "disable",
    )  # fmt: skip


def test_the_password_is_in_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_PASSWORD", "hidden")
    target = read(url="postgres://user@db/shop", password={"env": "DB_PASSWORD"})
    assert target.password.value == "hidden"
    assert "hidden" not in repr(target) + str(target)
    assert "s@cret" not in repr(read(url=URL)) and "s%40cret" not in repr(read(url=URL))


def test_two_targets_that_differ_in_the_password_are_two() -> None:
    assert read(url=URL) == read(url=URL)
    assert read(url=URL) != read(url=URL, password="other")


@pytest.mark.parametrize(
    ("table", "key", "text"),
    [
        ({}, "url", "needs `url`"),
        ({"url": "mysql://db"}, "url", "does not begin with postgres://"),
        ({"url": "postgres:///x"}, "url", "has no host"),
        ({"url": "postgres://db:port"}, "url", "host or port can't be read"),
        ({"url": "postgres://db?options=x"}, "url", "parameter 'options' is not supported"),
        ({"url": "postgres://db?sslmode=maybe"}, "url", "sslmode is none of"),
        ({"url": URL, "host": "db"}, "host", "exclude each other"),
        ({"url": URL, "port": 1}, "port", "exclude each other"),
        ({"url": URL, "sslmode": "on"}, "sslmode", "can't be 'on'"),
        ({"url": URL, "sslrootcert": "absent.pem"}, "sslrootcert", "no certificates can be read"),
        ({"url": URL, "connections": 0}, "connections", "must be from 1"),
        ({"url": URL, "pool": 1}, "pool", "has no option `pool`"),
    ],
)
def test_mistakes_name_their_key_and_no_secret(
    table: dict[str, object], key: str, text: str
) -> None:
    with pytest.raises(OptionError, match=text) as raised:
        read(**table)
    assert raised.value.key == key
    assert "s%40cret" not in str(raised.value) + repr(raised.value.__cause__)


def test_an_address_of_a_guests_gets_nothing_of_the_operators(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PGPASSWORD", "operators")
    target = target_of("Postgres", "postgres://guest@db", lambda *_: True)
    assert (target.password.value, target.database) == ("", "guest")
    for bad in ("postgres://db?sslrootcert=/etc/passwd", "redis://db", "postgres://", "x"):
        with pytest.raises(CapabilityError, match="is not the URL of a Postgres server"):
            target_of("Postgres", bad, lambda *_: True)
    with pytest.raises(CapabilityError, match="certificate can't be read"):
        target_of("Postgres", "postgres://db#ca=bm90IFBFTQ==", lambda *_: True)


def test_modes_of_tls_are_libpqs() -> None:
    def context(mode: str) -> ssl.SSLContext | None:
        return read(url=f"postgres://db?sslmode={mode}").context()

    assert context("disable") is None
    for mode, verify, names in (
        ("prefer", ssl.CERT_NONE, False),
        ("require", ssl.CERT_NONE, False),
        ("verify-ca", ssl.CERT_REQUIRED, False),
        ("verify-full", ssl.CERT_REQUIRED, True),
    ):
        made = context(mode)
        assert made is not None
        assert (made.verify_mode, made.check_hostname) == (verify, names), mode
    mysql = read("MySQL", url="mysql://db?ssl-mode=VERIFY_IDENTITY")
    assert mysql.tls == "verify-full"
