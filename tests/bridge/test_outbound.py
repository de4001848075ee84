"""The grants for addresses, asked from Python."""

from __future__ import annotations

from paddock import _core


def test_an_outbound_policy_answers_as_the_engine_does() -> None:
    granted = _core.Outbound(
        [("redis", "localhost", 6379, 6379), ("postgres", "10.0.0.0/8", 1, 65535)]
    )
    assert granted.allows_host("redis", "LOCALHOST.", 6379)
    assert not granted.allows_host("mqtt", "localhost", 6379)
    assert granted.allows_address("redis", "localhost", "::1", 6379)
    assert not granted.allows_address("redis", "localhost", "192.168.0.1", 6379)
    assert granted.allows_address("postgres", "db.internal", "::ffff:10.2.3.4", 5432)
    assert not granted.allows_address("postgres", "db.internal", "db.internal", 5432)
