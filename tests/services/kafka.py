"""Kafka: one node that is broker and controller, with an open and an authenticated listener."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from tests.services.server import HOST, Server, free_port, program

JAVA = ("-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData")
LOGGING = (
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.log.kafka.server=info",
)


class KafkaServer(Server):
    """`url` is open to everybody; at `sasl_url` PLAIN with `user` and `password` is asked for,
    at `tls_url` too, by TLS.

    `largest`: bytes that a batch of messages may have.
    """

    name = "kafka"
    patience = 120

    def __init__(self, *, largest: int = 1 << 20) -> None:
        super().__init__()
        self.largest = largest
        self.sasl_port = free_port()
        self.tls_port = free_port()
        self._controller_port = free_port()

    @property
    def url(self) -> str:
        """For `bootstrap_servers`."""
        return f"{HOST}:{self.port}"

    @property
    def sasl_url(self) -> str:
        return f"{HOST}:{self.sasl_port}"

    @property
    def tls_url(self) -> str:
        return f"kafkas://{HOST}:{self.tls_port}"

    def prepare(self) -> None:
        tool = [*self._java(), "kafka.tools.StorageTool", "format"]
        self.run([*tool, "-t", "paddock-tests-cluster0", "-c", self._configure()])

    def command(self) -> Sequence[str]:
        return [*self._java(), "kafka.Kafka", self._configure()]

    def _java(self) -> list[str]:
        return [program("kafka-java"), *JAVA, *LOGGING]

    def _configure(self) -> str:
        login = "org.apache.kafka.common.security.plain.PlainLoginModule required"
        listeners = {
            "PLAINTEXT": self.port,
            "SASL_PLAINTEXT": self.sasl_port,
            "SASL_SSL": self.tls_port,
        }
        clients = ",".join(f"{name}://{HOST}:{port}" for name, port in listeners.items())
        settings = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@{HOST}:{self._controller_port}",
            "controller.listener.names": "CONTROLLER",
            "listeners": f"{clients},CONTROLLER://{HOST}:{self._controller_port}",
            "advertised.listeners": clients,
            "inter.broker.listener.name": "PLAINTEXT",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,"
            "SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": self._keystore(),
            "sasl.enabled.mechanisms": "PLAIN",
            **{
                f"listener.name.{name}.plain.sasl.jaas.config": (
                    f'{login} user_{self.user}="{self._accepted}";'
                )
                for name in ("sasl_plaintext", "sasl_ssl")
            },
            # After a kill the broker is let in again only when its last session has expired.
            "broker.session.timeout.ms": 2000,
            "broker.heartbeat.interval.ms": 200,
            "message.max.bytes": self.largest,
            "log.dirs": self.directory / "data",
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 1,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "transaction.state.log.num.partitions": 1,
            "group.initial.rebalance.delay.ms": 0,
        }
        lines = [f"{key}={value}" for key, value in settings.items()]
        return str(self.file("server.properties", "\n".join(lines) + "\n"))

    def _keystore(self) -> str:
        certificate, key = self.certificate()
        return str(self.file("keystore.pem", key.read_text() + certificate.read_text()))

    def answers(self) -> bool:
        """ApiVersions (key 18, version 0) is answered with its correlation number and no error."""
        body = struct.pack("!hhih", 18, 0, 7, -1)
        with self.connect() as connection, connection.makefile("rb") as answers:
            connection.sendall(struct.pack("!i", len(body)) + body)
            return answers.read(10)[4:] == struct.pack("!ih", 7, 0)

    def refuse_authentication(self) -> None:
        """Restarts with another password at `sasl_url`. `accept_authentication` undoes it."""
        self._exchange(f"not-{self.password}")

    def accept_authentication(self) -> None:
        self._exchange(self.password)

    def _exchange(self, password: str) -> None:
        self._accepted = password
        self.restart()
