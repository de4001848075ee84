"""Where Kafka brokers are and how to get in, out of options."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from paddock.errors import CapabilityError, Exhausted, TimedOut, TooLarge, Unavailable
from paddock.providers.connections.trust import ca_from, context
from paddock.providers.options import OptionError, Options, Secret

if TYPE_CHECKING:
    import ssl

PORT = 9092
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
_SERVER = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}")


@dataclass(frozen=True, slots=True)
class KafkaTarget:
    """Brokers of one cluster; equal ones share a producer.

    `servers` are `host:port`. With a user name it logs in by SASL. `ca` is a file
    of certificates to trust in place of the system's. `timeout` in seconds.
    """

    servers: tuple[str, ...]
    username: str | None = None
    password: Secret | None = field(default=None, repr=False)
    mechanism: str = "PLAIN"
    tls: bool = False
    ca: str | None = None
    timeout: float = 5.0

    @property
    def what(self) -> str:
        """Names the brokers in messages, without what is secret."""
        word = "brokers" if len(self.servers) > 1 else "broker"
        return f"the Kafka {word} at {', '.join(self.servers)}"


class Settings(TypedDict):
    """Arguments that all of aiokafka's clients take."""

    bootstrap_servers: list[str]
    request_timeout_ms: int
    retry_backoff_ms: int
    security_protocol: str
    ssl_context: ssl.SSLContext | None
    sasl_mechanism: str
    sasl_plain_username: str | None
    sasl_plain_password: str | None


def settings(target: KafkaTarget) -> Settings:
    """For a client. Raises CapabilityError for a `ca` that can't be used."""
    sasl = "SASL_" if target.username is not None else ""
    return {
        "bootstrap_servers": list(target.servers),
        "request_timeout_ms": max(100, round(target.timeout * 1000)),
        "retry_backoff_ms": 100,
        "security_protocol": sasl + ("SSL" if target.tls else "PLAINTEXT"),
        "ssl_context": context(target.ca) if target.tls else None,
        "sasl_mechanism": target.mechanism,
        "sasl_plain_username": target.username,
        "sasl_plain_password": target.password.value if target.password else None,
    }


def target_from(table: Options, base: Path | None) -> KafkaTarget:
    """Take `url`, `username`, `password`, `mechanism`, `ca` and `timeout`; OptionError.

    `url` is `kafka://host:9092`, or `kafkas://` for TLS, and may list several
    brokers of the cluster, parted by commas; `host:9092` alone does too.
    """
    url = table.required("url")
    username, password = table.text("username"), table.secret("password")
    if username is not None and password is None:
        raise OptionError("password", "`username` needs a `password`")
    mechanism = table.choice("mechanism", MECHANISMS)
    timeout = table.seconds("timeout", 5.0, least=0.1)
    scheme, _, rest = url.rpartition("://")
    servers = [each.strip() for each in rest.split(",")]
    servers = [each if ":" in each else f"{each}:{PORT}" for each in servers]
    if scheme not in ("", "kafka", "kafkas") or not all(map(_is_server, servers)):
        raise OptionError(
            "url",
            "`url` is not that of Kafka brokers",
            hint='write url = "kafka://one:9092,two:9092", and kafkas:// for TLS',
        )
    return KafkaTarget(
        servers=tuple(servers),
        username=username,
        password=password,
        mechanism=mechanism,
        tls=scheme == "kafkas",
        ca=ca_from(table, base, tls=scheme == "kafkas"),
        timeout=timeout,
    )


def _is_server(text: str) -> bool:
    return bool(_SERVER.fullmatch(text)) and 0 < int(text.rpartition(":")[2]) < 1 << 16


def explained(error: Exception, target: KafkaTarget) -> CapabilityError:
    """The error of the tree for one of aiokafka's; what is none of them is raised."""
    from aiokafka import errors

    what = target.what
    if isinstance(error, CapabilityError):
        return error
    if isinstance(error, TimeoutError | errors.KafkaTimeoutError | errors.RequestTimedOutError):
        return TimedOut(f"{what} did not answer within {target.timeout:g} s")
    if not isinstance(error, errors.KafkaError | OSError):
        raise error
    for kinds, kind, text, hint in (
        (
            (errors.AuthenticationFailedError, errors.SaslAuthenticationFailed),
            CapabilityError,
            "refused the user name or password",
            "check them in its table",
        ),
        (
            (errors.MessageSizeTooLargeError, errors.RecordListTooLargeError),
            TooLarge,
            "takes no message as large as this",
            "it is max.message.bytes there",
        ),
        (
            (errors.TopicAuthorizationFailedError, errors.GroupAuthorizationFailedError),
            CapabilityError,
            "does not allow this user the topic or the group",
            None,
        ),
        ((errors.InvalidTopicError,), CapabilityError, "can't have a topic of this name", None),
        ((errors.NotEnoughReplicasError,), Exhausted, "has too few replicas in sync", None),
    ):
        if isinstance(error, kinds):
            return kind(f"{what} {text}", hint=hint)
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return Unavailable(f"{what} can't do it now: {reason[:200]}")
