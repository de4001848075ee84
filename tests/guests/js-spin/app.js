// A guest in JavaScript, built with Spin's own tools: `fermyon:spin@2.0.0`.
// `/kv?key=&value=` (sets, then gets), `/keys`, `/variable?name=`, `/sqlite?db=&note=`,
// `/postgres?address=&note=`, `/mysql?address=&note=`, `/redis?address=&key=&value=`,
// `/mqtt?address=&topic=&value=&user=&password=`. An argument without a value is
// its own name. Errors: 500, `error: case words`.

import { Store } from "fermyon:spin/key-value@2.0.0";
import { get as variable } from "fermyon:spin/variables@2.0.0";
import { Connection as Sqlite } from "fermyon:spin/sqlite@2.0.0";
import { Connection as Postgres } from "fermyon:spin/postgres@2.0.0";
import { Connection as Mysql } from "fermyon:spin/mysql@2.0.0";
import { Connection as Redis } from "fermyon:spin/redis@2.0.0";
import { Connection as Mqtt } from "fermyon:spin/mqtt@2.0.0";

const bytes = (text) => new TextEncoder().encode(text);
const words = (found) => (found === undefined ? "none" : new TextDecoder().decode(found));
const text = (val) => ({ tag: "text", val });
const str = (val) => ({ tag: "str", val });
const TABLE = "CREATE TABLE IF NOT EXISTS js_notes (note VARCHAR(100), size BIGINT)";
const SELECT = "SELECT note, size FROM js_notes ORDER BY size, note";

function lines(rows) {
  return rows.map((row) => `${row.map((cell) => cell.val).join(" ")}\n`).join("");
}

function sqlite(arg) {
  const database = Sqlite.open(arg("db", "default"));
  database.execute("CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, note TEXT)", []);
  database.execute("INSERT INTO notes (note) VALUES (?)", [text(arg("note"))]);
  return lines(database.execute("SELECT id, note FROM notes ORDER BY id", []).rows.map((row) => row.values));
}

function database(Connection, insert, arg) {
  const connection = Connection.open(arg("address"));
  const note = arg("note");
  connection.execute(TABLE, []);
  connection.execute(insert, [str(note), { tag: "int64", val: BigInt(note.length) }]);
  return lines(connection.query(SELECT, []).rows);
}

function redis(arg) {
  const connection = Redis.open(arg("address"));
  const [key, value] = [arg("key"), arg("value")];
  connection.set(key, bytes(value));
  connection.publish("channel", bytes(value));
  const number = connection.incr(`${key} count`);
  connection.sadd(`${key} set`, ["b", "a"]);
  const members = connection.smembers(`${key} set`).sort();
  const stored = words(connection.get(key));
  const found = connection.execute("EXISTS", [{ tag: "binary", val: bytes(key) }]);
  const gone = connection.del([key]);
  return `${stored} ${number} ${members} ${found[0].val} ${gone}\n`;
}

function mqtt(arg) {
  const user = [arg("user", ""), arg("password", "")];
  const connection = Mqtt.open(arg("address"), ...user, 30n);
  connection.publish(arg("topic"), bytes(arg("value")), "at-least-once");
  return "ok\n";
}

function route(path, arg, given) {
  const store = () => Store.open(arg("store", "default"));
  switch (path) {
    case "/kv": {
      const open = store();
      if (given("value")) open.set(arg("key"), bytes(arg("value")));
      return words(open.get(arg("key")));
    }
    case "/keys":
      return store().getKeys().sort().join("\n");
    case "/variable":
      return variable(arg("name"));
    case "/sqlite":
      return sqlite(arg);
    case "/postgres":
      return database(Postgres, "INSERT INTO js_notes VALUES ($1, $2)", arg);
    case "/mysql":
      return database(Mysql, "INSERT INTO js_notes VALUES (?, ?)", arg);
    case "/redis":
      return redis(arg);
    case "/mqtt":
      return mqtt(arg);
    default:
      throw new Error(`no route ${path}`);
  }
}

function answer(request) {
  const url = new URL(request.url);
  const arg = (name, otherwise = name) => url.searchParams.get(name) ?? otherwise;
  try {
    return new Response(route(url.pathname, arg, (name) => url.searchParams.has(name)));
  } catch (error) {
    const { tag, val = "" } = error.payload ?? { tag: "thrown", val: error.message };
    return new Response(`error: ${tag} ${val}\n`, { status: 500 });
  }
}

addEventListener("fetch", (event) => event.respondWith(answer(event.request)));
