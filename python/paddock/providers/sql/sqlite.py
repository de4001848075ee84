"""A database in an SQLite file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from paddock.capabilities.sql import Dialect
from paddock.errors import Unavailable
from paddock.providers.options import OptionError, Options
from paddock.providers.sql.sqlite_file import DatabaseFile, close_file, open_file
from paddock.providers.sql.sqlite_session import SqliteSession

FOLDER = "sql"


@dataclass(frozen=True, slots=True)
class SqliteConfig:
    """`path`: the file; by default one for each application and name in the state directory.

    `durability`: "process" keeps what was written when the process dies, "power"
    also when the machine loses power, at a disk sync for each transaction.
    `timeout`: seconds that a statement may take.
    """

    path: str | None = None
    durability: str = "process"
    timeout: float = 30.0

    @classmethod
    def from_table(cls, options: Mapping[str, object], base: Path | None = None) -> SqliteConfig:
        """Read a `[sql_database.X]` or `[sqlite_database.X]` table; a path starts from `base`."""
        table = Options(options, "an SQLite database", base)
        path = table.text("path")
        durability = table.choice("durability", ("process", "power"))
        timeout = table.seconds("timeout", 30.0, least=0.01)
        table.done()
        if path is not None and (not path or "\0" in path or path == ":memory:"):
            raise OptionError(
                "path",
                f"an SQLite database can't have the path {path!r}",
                hint="name a file, or leave `path` out",
            )
        return cls(str(base / path) if base and path else path, durability, timeout)


class SqliteDatabase:
    """The contract is `paddock.capabilities.sql.SqlDatabase`."""

    dialect: Dialect = "sqlite"

    def __init__(self, file: DatabaseFile) -> None:
        self._file = file
        self._closed = False

    def session(self) -> SqliteSession:
        """See the contract."""
        if self._closed:
            raise Unavailable(f"the database {self._file.path} is closed")
        return SqliteSession(self._file)

    def close(self) -> None:
        """Close the file if nobody else of this process uses it."""
        if not self._closed:
            self._closed = True
            close_file(self._file)


def _file_name(application: str, name: str) -> str:
    """A name that no other pair has, readable where the two are plain."""
    return "-".join(
        re.sub(r"[^a-z0-9_]", lambda found: f"%{ord(found[0]):x}.", part)
        for part in (application, name)
    )


class SqliteSql:
    """`type = "sqlite"`, and `type = "spin"`, Spin's name for it."""

    Config = SqliteConfig

    @staticmethod
    def open(config: object, *, application: str, name: str, state_dir: Path) -> SqliteDatabase:
        """Open the database, creating file and folder. Blocks; raises Unavailable."""
        if not isinstance(config, SqliteConfig):
            raise TypeError(f"wanted SqliteConfig, got {type(config).__name__}")
        path = config.path or Path(FOLDER) / f"{_file_name(application, name)}.db"
        full_sync = config.durability == "power"
        return SqliteDatabase(
            open_file(state_dir / path, full_sync=full_sync, timeout=config.timeout)
        )
