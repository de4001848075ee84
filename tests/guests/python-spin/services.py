"""Databases and brokers over Spin's SDK.

`/sqlite?db=&note=` (adds a note, lists them with the row's id), `/postgres?
address=&note=`, `/mysql?address=&note=`, `/redis?address=&key=&value=`,
`/mqtt?address=&topic=&value=&user=&password=`.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from componentize_py_types import Err
from spin_sdk import mqtt, mysql, postgres, redis, sqlite
from spin_sdk.wit.imports import spin_mysql_mysql_3_0_0 as my
from spin_sdk.wit.imports import spin_postgres_postgres_4_2_0 as pg
from spin_sdk.wit.imports.spin_redis_redis_3_0_0 import RedisParameter_Binary

TABLE = "CREATE TABLE IF NOT EXISTS python_notes (note VARCHAR(100), size BIGINT)"
SELECT = "SELECT note, size FROM python_notes ORDER BY size, note"


async def rows(stream: Any, end: Any) -> list[Any]:
    """Every row of a stream, and then whether it ended well."""
    found = []
    with stream:
        while not stream.writer_dropped:
            found += await stream.read(10)
    outcome = await end.read()
    if isinstance(outcome, Err):
        raise outcome
    return found


async def in_sqlite(query: dict[str, str]) -> str:
    """A note is added, all are listed."""
    with await sqlite.Connection.open(query.get("db", "default")) as database:
        table = "CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, note TEXT)"
        _, stream, end = await database.execute(table, [])
        await rows(stream, end)
        note = sqlite.Value_Text(query.get("note", "note"))
        insert = "INSERT INTO notes (note) VALUES (?)"
        _, stream, end = await database.execute(insert, [note])
        await rows(stream, end)
        rowid, changes = await database.last_insert_rowid(), await database.changes()
        columns, stream, end = await database.execute("SELECT id, note FROM notes ORDER BY id", [])
        found = await rows(stream, end)
    lines = [" ".join(str(value.value) for value in row.values) for row in found]
    return "\n".join([" ".join(columns), *lines, f"id {rowid}, {changes} changes", ""])


async def in_postgres(query: dict[str, str]) -> str:
    """A note is added, all are listed."""
    note = query.get("note", "note")
    with await postgres.Connection.open(query.get("address", "")) as database:
        await database.execute(TABLE, [])
        values = [pg.ParameterValue_Str(note), pg.ParameterValue_Int64(len(note))]
        changed = await database.execute("INSERT INTO python_notes VALUES ($1, $2)", values)
        columns, stream, end = await database.query(SELECT, [])
        found = await rows(stream, end)
    lines = [" ".join(str(value.value) for value in row) for row in found]
    names = " ".join(column.name for column in columns)
    return "\n".join([names, *lines, f"{changed} changed", ""])


async def in_mysql(query: dict[str, str]) -> str:
    """A note is added, all are listed."""
    note = query.get("note", "note")
    with await mysql.open(query.get("address", "")) as database:
        await database.execute(TABLE, [])
        values = [my.ParameterValue_Str(note), my.ParameterValue_Int64(len(note))]
        await database.execute("INSERT INTO python_notes VALUES (?, ?)", values)
        columns, stream, end = await database.query(SELECT, [])
        found = await rows(stream, end)
    lines = [" ".join(str(value.value) for value in row) for row in found]
    return "\n".join([" ".join(column.name for column in columns), *lines, ""])


async def in_redis(query: dict[str, str]) -> str:
    """One of each command."""
    key, value = query.get("key", "key"), query.get("value", "value")
    with await redis.open(query.get("address", "")) as connection:
        await connection.set(key, value.encode())
        await connection.publish("channel", value.encode())
        number = await connection.incr(f"{key} count")
        await connection.sadd(f"{key} set", ["b", "a"])
        members = sorted(await connection.smembers(f"{key} set"))
        stored = await connection.get(key)
        found = await connection.execute("EXISTS", [RedisParameter_Binary(key.encode())])
        gone = await connection.del_([key])
    text = stored.decode() if stored is not None else "none"
    return f"{text} {number} {members} {[one.value for one in found]} {gone}\n"


async def publish(query: dict[str, str]) -> str:
    """One message, at least once."""
    user, password = query.get("user", ""), query.get("password", "")
    with await mqtt.open(query.get("address", ""), user, password, 30) as connection:
        payload = query.get("value", "value").encode()
        await connection.publish(query.get("topic", "topic"), payload, mqtt.Qos.AT_LEAST_ONCE)
    return "ok\n"


ROUTES: dict[str, Callable[[dict[str, str]], Awaitable[str]]] = {
    "/sqlite": in_sqlite,
    "/postgres": in_postgres,
    "/mysql": in_mysql,
    "/redis": in_redis,
    "/mqtt": publish,
}
