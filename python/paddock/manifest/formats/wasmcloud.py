"""What wasmCloud's files mean by an interface that a component uses or answers.

Shared by the readers of wadm applications, workloads and wash projects: an interface
with a configuration becomes a grant, and what stands behind it a provider.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from paddock.manifest.names import kebab
from paddock.manifest.positions import KeyPath
from paddock.manifest.translation import Translation

#: Packages by what they are for, whichever namespace has them.
_STORES = {"keyvalue": "key_value", "blobstore": "blob", "messaging": "messaging"}
_GRANTS = {
    "key_value": ("key_value_stores", "key_value_store"),
    "blob": ("blob_containers", "blob_store"),
    "messaging": ("message_brokers", "message_broker"),
}
#: Packages that need no grant, or whose grants are elsewhere in the file.
_FREE = ("config", "logging", "otel", "cli", "io", "clocks", "random", "sockets", "filesystem",
         "secrets", "runtime")  # fmt: skip
#: Words in a provider's name or its `backend`, and the type that is meant.
_BACKENDS = {
    "redis": "redis",
    "nats": "nats",
    "in-memory": "memory",
    "memory": "memory",
    "filesystem": "filesystem",
    "blobstore-fs": "filesystem",
}
_URLS = ("url", "cluster_uris", "cluster_uri", "server", "address")
_PATHS = ("root", "path")


@dataclass(frozen=True, slots=True)
class Use:
    """An interface of a package, and what is configured for it.

    `backend` is any text that tells what stands behind it: a provider's image, or the
    configuration's `backend`. `origin` is where the file says all this.
    """

    namespace: str
    package: str
    interfaces: tuple[str, ...]
    origin: KeyPath
    name: str = "default"
    config: Mapping[str, str] = field(default_factory=dict[str, str])
    backend: str = ""

    @property
    def full(self) -> str:
        """For people."""
        return f"{self.namespace}:{self.package}"


def grant(made: Translation, component: str, use: Use) -> None:
    """What `component` needs to import the interfaces of `use`."""
    capability = _STORES.get(use.package)
    if capability is not None:
        key, table = _GRANTS[capability]
        name = "*" if capability == "blob" else use.name
        append(made, component, key, name, use.origin)
        _provide(made, table, "default" if capability == "blob" else use.name, use)
    elif use.package == "http":
        for item in ("http://*:*", "https://*:*"):
            append(made, component, "allowed_outbound_hosts", item, use.origin)
    elif use.package == "postgres":
        made.note(use.origin, f"{use.full} is not offered; paddock:sql and Spin's interfaces are")
    elif use.package not in _FREE:
        made.note(
            use.origin,
            f"nothing here stands behind {use.full}; a component that imports it needs "
            "`interfaces` and a provider of yours",
        )


def answer(made: Translation, component: str, use: Use) -> None:
    """What makes `component` run because it exports the interfaces of `use`."""
    if use.package == "http":
        route = use.config.get("path") or "/..."
        hosts = [use.config.get("host"), *use.config.get("host-aliases", "").split(",")]
        named = list(dict.fromkeys(host.strip() for host in hosts if host and host.strip()))
        # Of a development tool's usual address nobody means the name.
        hosts = [one for one in named if one not in ("localhost", "*")]
        for host in hosts or [None]:
            add_route(made, component, route, use.origin, host)
    elif use.package == "messaging":
        subjects = [one.strip() for one in use.config.get("subscriptions", "").split(",")]
        place: KeyPath = ("trigger", "message", made.next("trigger", "message"))
        made.put(place, {"component": component, "broker": use.name}, use.origin)
        made.put((*place, "subjects"), [one for one in subjects if one] or [">"], use.origin)
        group = use.config.get("consumer_group")
        if group and group != "broadcast":
            made.put((*place, "group"), group, use.origin)
        elif group:
            made.note(use.origin, "consumer_group = broadcast: on one host each message comes once")
        _provide(made, "message_broker", use.name, use)
    else:
        made.note(use.origin, f"nothing here calls an export of {use.full}")


def add_route(
    made: Translation, component: str, route: str, origin: KeyPath, host: str | None = None
) -> None:
    """A route to `component`."""
    place: KeyPath = ("trigger", "http", made.next("trigger", "http"))
    route = route if route.startswith("/") else f"/{route}"
    made.put(place, {"route": route, "component": component}, origin)
    if host:
        made.put((*place, "host"), host, origin)


def append(made: Translation, component: str, key: str, item: str, origin: KeyPath) -> None:
    """One more item of a list of a component, once."""
    known = made.at_own(("component", component)).get(key, ())
    if isinstance(known, list | tuple) and item not in known:
        made.put(("component", component, key, len(known)), item, origin)


def service(made: Translation, component: str, origin: KeyPath, restart: str = "always") -> None:
    """`component` is a program that runs for as long as the host does."""
    place: KeyPath = ("trigger", "command", made.next("trigger", "command"))
    made.put(place, {"component": component, "restart": restart}, origin)


def allow(made: Translation, component: str, hosts: list[str], origin: KeyPath) -> None:
    """`allowedHosts`: `*`, `host[:port]`, `*.suffix[:port]`, each with or without a scheme."""
    for index, text in enumerate(hosts):
        for item in _grants(text):
            append(made, component, "allowed_outbound_hosts", item, (*origin, index))


def _grants(text: str) -> list[str]:
    scheme, separator, rest = text.strip().removesuffix("/").partition("://")
    if separator:
        return [f"{scheme.lower()}://{rest}{'' if _has_port(rest) else ':*'}"]
    host = text.strip().removesuffix("/")
    port = "" if _has_port(host) else ":*"
    return [f"{scheme}://{host}{port}" for scheme in ("http", "https")]


def _has_port(host: str) -> bool:
    return ":" in host.rpartition("]")[2]


def configure(
    made: Translation, component: str, values: Mapping[str, str], origin: KeyPath
) -> None:
    """Values of `wasi:config`, as they are."""
    for key, value in values.items():
        if "{{" in value:
            made.wrong((*origin, key), "'{{' can't be part of a value here")
            continue
        made.put(("component", component, "variables", key), value, (*origin, key))


def secret(made: Translation, component: str, name: str, what: str, origin: KeyPath) -> None:
    """A secret that the host's providers of variables know under a name of their own."""
    variable = kebab(name, "secret").replace("-", "_")
    made.put(
        ("variables", variable),
        {"required": True, "secret": True, "description": what},
        origin,
    )
    made.put(("component", component, "secrets", name), f"{{{{ {variable} }}}}", origin)


def source(made: Translation, image: str, origin: KeyPath) -> object:
    """A file for `file:` references and paths, else a registry's package."""
    from paddock.manifest.formats.wagi import registry

    del made, origin
    scheme, separator, rest = image.partition("://")
    if separator and scheme == "file":
        return rest
    if not separator and (image.startswith((".", "/")) or image.endswith((".wasm", ".wat"))):
        return image
    return registry(rest if separator else image)


def _provide(made: Translation, table: str, name: str, use: Use) -> None:
    config = {key.lower(): value for key, value in use.config.items()}
    said = f"{use.config.get('backend', '')} {use.backend}".lower()
    kind = next((type_name for word, type_name in _BACKENDS.items() if word in said), None)
    url = next((config[key] for key in _URLS if key in config and "://" in config[key]), None)
    if kind is None and url:
        kind = {"redis": "redis", "rediss": "redis", "nats": "nats"}.get(url.partition(":")[0])
    path = next((config[key] for key in _PATHS if key in config), None)
    if kind in ("redis", "nats"):
        usual = "redis://127.0.0.1:6379" if kind == "redis" else "nats://127.0.0.1:4222"
        made.provide(table, name, kind, {"url": url or usual}, use.origin)
    elif kind == "memory":
        made.provide(table, name, "in_process" if "broker" in table else kind, {}, use.origin)
    elif kind == "filesystem":
        base = made.base
        options = {"path": str(base / path if base else path)} if path else {}
        made.provide(table, name, kind, options, use.origin)
    elif said.strip():
        made.note(
            use.origin,
            f"what stands behind {use.full} is not taken over; set [{table}.{name}] in the "
            "host's configuration",
        )
