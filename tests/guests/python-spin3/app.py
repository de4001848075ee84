"""An HTTP guest in Python over Spin's SDK 3: WASI 0.2, `fermyon:spin@2.0.0`.

`/kv?key=&value=` (sets, then gets), `/keys`, `/variable?name=`,
`/sqlite?db=&note=` (adds a note, lists them), `/postgres?address=&note=`,
`/mysql?address=&note=`, `/redis?address=&key=&value=`,
`/mqtt?address=&topic=&value=&user=&password=`. An argument without a value is
its own name. Errors: 500, `error: case words`.
"""

from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit

from spin_sdk import key_value, mqtt, mysql, postgres, redis, sqlite, variables
from spin_sdk.http import IncomingHandler as Handler
from spin_sdk.http import Request, Response
from spin_sdk.wit.imports.rdbms_types import ParameterValue_Int64, ParameterValue_Str, RowSet
from spin_sdk.wit.imports.redis import RedisParameter_Binary
from spin_sdk.wit.types import Err

TABLE = "CREATE TABLE IF NOT EXISTS python3_notes (note VARCHAR(100), size BIGINT)"
SELECT = "SELECT note, size FROM python3_notes ORDER BY size, note"
Arg = Callable[..., str]


class IncomingHandler(Handler):
    """`wasi:http/incoming-handler@0.2.0`."""

    def handle_request(self, request: Request) -> Response:
        """Answers one request."""
        url = urlsplit(request.uri)
        query = dict(parse_qsl(url.query, keep_blank_values=True))

        def arg(name: str, otherwise: str | None = None) -> str:
            return query.get(name, name if otherwise is None else otherwise)

        route = ROUTES.get(url.path)
        if route is None:
            return Response(404, {"content-type": "text/plain"}, b"no such route")
        try:
            status, body = 200, route(arg, "value" in query)
        except Err as error:
            words = getattr(error.value, "value", "")
            status, body = 500, f"error: {type(error.value).__name__} {words}\n"
        return Response(status, {"content-type": "text/plain"}, body.encode())


def kv(arg: Arg, given: bool) -> str:
    """The value of a key, set before when one is given."""
    with key_value.open(arg("store", "default")) as store:
        if given:
            store.set(arg("key"), arg("value").encode())
        value = store.get(arg("key"))
    return "none" if value is None else value.decode()


def keys(arg: Arg, _given: bool) -> str:
    """Every key, sorted."""
    with key_value.open(arg("store", "default")) as store:
        return "\n".join(sorted(store.get_keys()))


def in_sqlite(arg: Arg, _given: bool) -> str:
    """A note is added, all are listed."""
    with sqlite.open(arg("db", "default")) as database:
        database.execute("CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, note TEXT)", [])
        note = sqlite.Value_Text(arg("note"))
        database.execute("INSERT INTO notes (note) VALUES (?)", [note])
        found = database.execute("SELECT id, note FROM notes ORDER BY id", [])
    lines = [" ".join(str(value.value) for value in row.values) for row in found.rows]
    return "".join(f"{line}\n" for line in lines)


def listed(found: RowSet) -> str:
    """A line for each row."""
    lines = [" ".join(str(value.value) for value in row) for row in found.rows]
    return "".join(f"{line}\n" for line in lines)


def in_postgres(arg: Arg, _given: bool) -> str:
    """A note is added, all are listed."""
    values = [ParameterValue_Str(arg("note")), ParameterValue_Int64(len(arg("note")))]
    with postgres.open(arg("address")) as database:
        database.execute(TABLE, [])
        database.execute("INSERT INTO python3_notes VALUES ($1, $2)", values)
        return listed(database.query(SELECT, []))


def in_mysql(arg: Arg, _given: bool) -> str:
    """A note is added, all are listed."""
    values = [ParameterValue_Str(arg("note")), ParameterValue_Int64(len(arg("note")))]
    with mysql.open(arg("address")) as database:
        database.execute(TABLE, [])
        database.execute("INSERT INTO python3_notes VALUES (?, ?)", values)
        return listed(database.query(SELECT, []))


def in_redis(arg: Arg, _given: bool) -> str:
    """One of each command."""
    key, value = arg("key"), arg("value").encode()
    with redis.open(arg("address")) as connection:
        connection.set(key, value)
        connection.publish("channel", value)
        number = connection.incr(f"{key} count")
        connection.sadd(f"{key} set", ["b", "a"])
        members = sorted(connection.smembers(f"{key} set"))
        stored = connection.get(key)
        found = connection.execute("EXISTS", [RedisParameter_Binary(key.encode())])
        gone = connection.del_([key])
    text = stored.decode() if stored is not None else "none"
    return f"{text} {number} {members} {[one.value for one in found]} {gone}\n"


def publish(arg: Arg, _given: bool) -> str:
    """One message, at least once."""
    user, password = arg("user", ""), arg("password", "")
    with mqtt.open(arg("address"), user, password, 30) as connection:
        connection.publish(arg("topic"), arg("value").encode(), mqtt.Qos.AT_LEAST_ONCE)
    return "ok\n"


ROUTES: dict[str, Callable[[Arg, bool], str]] = {
    "/hello": lambda _arg, _given: "hello from Python and Spin",
    "/kv": kv,
    "/keys": keys,
    "/variable": lambda arg, _given: str(variables.get(arg("name"))),
    "/sqlite": in_sqlite,
    "/postgres": in_postgres,
    "/mysql": in_mysql,
    "/redis": in_redis,
    "/mqtt": publish,
}
