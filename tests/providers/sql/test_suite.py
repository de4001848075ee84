"""Every SQL provider passes the shipped suite, on real servers."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.services.mariadb import MariadbServer
from tests.services.postgres import PostgresServer

from paddock.capabilities.sql import SqlDatabase
from paddock.providers.sql.mysql import MysqlConfig, MysqlSql
from paddock.providers.sql.postgres import PostgresConfig, PostgresSql
from paddock.providers.sql.sqlite import SqliteConfig, SqliteSql
from paddock.testing.sql import Requirements, SqlSuite
from paddock.types import Reply


class TestSqlite(SqlSuite):
    requirements = Requirements(last_id=True, threads=True)
    config = SqliteConfig()

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    def make_database(self) -> Reply[SqlDatabase]:
        return SqliteSql.open(self.config, application="app", name="default", state_dir=self.folder)


class TestSqliteWithFullSync(TestSqlite):
    config = SqliteConfig(durability="power")


class TestPostgres(SqlSuite):
    @pytest.fixture(autouse=True)
    def _server(self, postgres_server: PostgresServer, tmp_path: Path) -> None:
        self.config = PostgresConfig.from_table({"url": postgres_server.url, "connections": 8})
        self.folder = tmp_path

    def make_database(self) -> Reply[SqlDatabase]:
        return PostgresSql.open(
            self.config, application="app", name="default", state_dir=self.folder
        )


class TestMariadb(SqlSuite):
    requirements = Requirements(last_id=True, own_types=False)

    @pytest.fixture(autouse=True)
    def _server(self, mariadb_server: MariadbServer, tmp_path: Path) -> None:
        self.config = MysqlConfig.from_table({"url": mariadb_server.url, "connections": 8})
        self.folder = tmp_path

    def make_database(self) -> Reply[SqlDatabase]:
        return MysqlSql.open(self.config, application="app", name="default", state_dir=self.folder)
