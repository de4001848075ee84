"""Finds the class of a provider by capability and type name.

The built-in ones are found without reading the metadata of installed packages,
which takes tens of milliseconds at start. A third party's provider is an entry
point named after its type, in the group `paddock.providers.<capability>`: a class of
the shape below, or one that `plain` can make a provider of.

    [project.entry-points."paddock.providers.key_value"]
    etcd = "my_package.etcd:EtcdKeyValue"
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, cast

from paddock.errors import ManifestError

BUILT_IN: Mapping[str, Mapping[str, str]] = {
    "key_value": {
        "memory": "paddock.providers.key_value.memory:MemoryKeyValue",
        "sqlite": "paddock.providers.key_value.sqlite:SqliteKeyValue",
        # Spin's name for its SQLite store; `path` means the same.
        "spin": "paddock.providers.key_value.sqlite:SqliteKeyValue",
        "filesystem": "paddock.providers.key_value.filesystem:FilesystemKeyValue",
        "redis": "paddock.providers.key_value.redis:RedisKeyValue",
        "nats": "paddock.providers.key_value.nats:NatsKeyValue",
        "postgres": "paddock.providers.key_value.postgres:PostgresKeyValue",
    },
    "blob": {
        "memory": "paddock.providers.blob.memory:MemoryBlob",
        "filesystem": "paddock.providers.blob.filesystem:FilesystemBlob",
        "s3": "paddock.providers.blob.s3:S3Blob",
        "nats": "paddock.providers.blob.nats:NatsBlob",
    },
    "messaging": {
        "in_process": "paddock.providers.messaging.in_process:InProcessMessaging",
        "nats": "paddock.providers.messaging.nats:NatsMessaging",
        "redis": "paddock.providers.messaging.redis:RedisMessaging",
        "mqtt": "paddock.providers.messaging.mqtt:MqttMessaging",
        "kafka": "paddock.providers.messaging.kafka:KafkaMessaging",
    },
    "redis": {"redis": "paddock.providers.redis.client:RedisAddresses"},
    "mqtt": {"mqtt": "paddock.providers.mqtt.client:MqttAddresses"},
    "configuration": {
        "static": "paddock.providers.configuration.static:StaticConfiguration",
        "environment": "paddock.providers.configuration.environment:EnvironmentConfiguration",
        "env": "paddock.providers.configuration.environment:EnvironmentConfiguration",
        "file": "paddock.providers.configuration.file:FileConfiguration",
        "directory": "paddock.providers.configuration.directory:DirectoryConfiguration",
        "vault": "paddock.providers.configuration.vault:VaultConfiguration",
    },
    "sql": {
        "sqlite": "paddock.providers.sql.sqlite:SqliteSql",
        # Spin's name for its SQLite databases; `path` means the same.
        "spin": "paddock.providers.sql.sqlite:SqliteSql",
        "postgres": "paddock.providers.sql.postgres:PostgresSql",
        "mysql": "paddock.providers.sql.mysql:MysqlSql",
        "mariadb": "paddock.providers.sql.mysql:MysqlSql",
    },
    "telemetry": {
        "log": "paddock.providers.telemetry.log:LogTelemetry",
        "otlp": "paddock.providers.telemetry.otlp:OtlpTelemetry",
    },
    "logging": {"log": "paddock.providers.logging.log:LogLogging"},
}

#: Types of Spin's runtime configuration that nothing answers here, and what to use.
OF_SPIN: Mapping[str, Mapping[str, str]] = {
    "key_value": {
        "azure_cosmos": "Azure Cosmos DB is not supported; redis, nats and postgres are",
        "aws_dynamo": "Amazon DynamoDB is not supported; redis, nats and postgres are",
    },
    "configuration": {
        "azure_key_vault": "Azure Key Vault is not supported; mount its secrets as files "
        'and use type = "directory"',
    },
    "sql": {"libsql": "a libSQL server is not supported; sqlite, postgres and mysql are"},
}


class ProviderConfig(Protocol):
    """A frozen dataclass; two providers of equal type and config are the same one."""

    @classmethod
    def from_table(cls, options: Mapping[str, object], base: Path | None = None) -> ProviderConfig:
        """Read a table of the host configuration; OptionError names a bad key.

        `base` is the directory of the file that the table stands in.
        """
        ...


class Provider(Protocol):
    """What the host needs of a provider's class."""

    Config: type[ProviderConfig]

    @staticmethod
    def open(config: object, *, application: str, name: str, state_dir: Path) -> object:
        """Open the capability; what it gives is isolated by `application`.

        May block and may raise CapabilityError. Each call opens anew, so the
        host keeps what it opened for as long as type and config stay equal.
        """
        ...


def find(capability: str, type_name: str) -> Provider:
    """The class of the provider `type_name`; ManifestError when there is none."""
    target = BUILT_IN.get(capability, {}).get(type_name)
    if target is None:
        installed = _installed(capability)
        target = installed.get(type_name)
        if target is None:
            raise _unknown(capability, type_name, installed)
    module, _, name = target.partition(":")
    import importlib

    try:
        found: object = getattr(importlib.import_module(module), name)
    except Exception as error:
        # A module of somebody else's may fail in any way.
        raise ManifestError(
            f'the {_words(capability)} provider "{type_name}" can\'t be loaded from '
            f"{target}: {type(error).__name__}: {error}",
            hint="reinstall the package that brings it, with its extras",
        ) from error
    if target in BUILT_IN.get(capability, {}).values():
        return cast("Provider", found)
    from paddock.providers.plain import as_provider

    return as_provider(found, f"the {_words(capability)} provider", target)


def origin(provider: object) -> tuple[str, str]:
    """The installed package that the class of a provider is part of, and its version.

    ("", "") where nothing that is installed has it: a module beside the program.
    """
    module = str(getattr(provider, "__module__", "")).partition(".")[0]
    if module == "paddock":
        from paddock import __version__

        return "paddock", __version__
    from importlib.metadata import entry_points, packages_distributions

    # An entry point is the cheap way: the other one reads the files of all packages.
    for group in ("paddock.interfaces", *(f"paddock.providers.{each}" for each in BUILT_IN)):
        for entry in entry_points(group=group):
            if entry.module.partition(".")[0] == module and entry.dist is not None:
                return entry.dist.name, entry.dist.version
    from importlib.metadata import version

    names = packages_distributions().get(module)
    return (names[0], version(names[0])) if names else ("", "")


def known(capability: str) -> list[str]:
    """Every type name that `find` would find, sorted."""
    return sorted({*BUILT_IN.get(capability, {}), *_installed(capability)})


def _installed(capability: str) -> dict[str, str]:
    from importlib.metadata import entry_points

    return {each.name: each.value for each in entry_points(group=f"paddock.providers.{capability}")}


def _unknown(capability: str, type_name: str, installed: Mapping[str, str]) -> ManifestError:
    from paddock.providers.options import nearest

    names = sorted({*BUILT_IN.get(capability, {}), *installed})
    close = nearest(type_name, names)
    if reason := OF_SPIN.get(capability, {}).get(type_name):
        return ManifestError(f'the provider type "{type_name}" is Spin\'s: {reason}')
    hint = f"known types: {', '.join(names) or 'none'}"
    if close:
        hint = f'did you mean "{close}"? {hint}'
    return ManifestError(
        f'there is no {_words(capability)} provider of type "{type_name}"', hint=hint
    )


def _words(capability: str) -> str:
    return capability.replace("_", "-")
