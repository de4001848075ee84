"""wadm's applications (`core.oam.dev/v1beta1`), as input for one host.

Components run here, capability providers are what their links say, and where things
are spread has no meaning on one host. Shapes as wadm 0.21 has them.
"""

# pydantic copies the mutable defaults of a model.
# ruff: noqa: RUF012

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, cast

from pydantic import ConfigDict, Discriminator

from paddock.manifest.document import Located
from paddock.manifest.fields import Name, Table, Text, tag, tag_by_type
from paddock.manifest.formats import wasmcloud
from paddock.manifest.formats.wasmcloud import Use
from paddock.manifest.model import Location, RawValue
from paddock.manifest.names import did_you_mean
from paddock.manifest.positions import KeyPath
from paddock.manifest.problems import ManifestMistakes, Problem
from paddock.manifest.shape_errors import validate
from paddock.manifest.translation import Translation

_PROVIDERS = ("http-server", "http-client")


class Open(Table):
    """A table whose further keys mean nothing here."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)


class Metadata(Open):
    """`metadata`"""

    name: Name
    annotations: dict[str, str] = {}
    labels: dict[str, str] = {}


class Config(Table):
    """A named configuration; without `properties` it is kept in a lattice."""

    name: Name
    properties: dict[Text, Text] | None = None


class SecretSource(Table):
    """Where a secret comes from."""

    policy: Text
    key: Text
    field: Text | None = None
    version: Text | None = None


class Secret(Table):
    """A named secret."""

    name: Name
    properties: SecretSource


class Shared(Table):
    """A component of another application."""

    name: Name
    component: Name


class Properties(Table):
    """`properties` of a component or capability."""

    image: Name | None = None
    application: Shared | None = None
    id: Name | None = None
    config: list[Config] = []
    secrets: list[Secret] = []


class End(Table):
    """One end of a link."""

    name: Name | None = None
    config: list[Config] = []
    secrets: list[Secret] = []


class Trait(Table):
    """A trait: a link, where to run, or one of somebody's own."""

    type: Name
    properties: dict[str, object] = {}


Target = Annotated[
    Annotated[End, tag("end")] | Annotated[Name, tag("name")],
    Discriminator(
        tag_by_type(end=dict, name=str),
        custom_error_type="manifest",
        custom_error_message="must be the name of a component or { name, config }",
    ),
]


class Link(Table):
    """`properties` of a trait `link`."""

    namespace: Name
    package: Name
    interfaces: list[Name]
    source: End | None = None
    target: Target | None = None
    name: Name | None = None
    source_config: list[Config] = []
    target_config: list[Config] = []


class Component(Table):
    """A component, or a capability: a provider."""

    name: Name
    type: Literal["component", "actor", "capability"]
    properties: Properties
    traits: list[Trait] = []


class Spec(Table):
    """`spec`"""

    components: list[Component]
    policies: list[dict[str, object]] = []


class Manifest(Table):
    """A whole application."""

    apiVersion: Literal["core.oam.dev/v1beta1"]
    kind: Literal["Application"]
    metadata: Metadata
    spec: Spec


def translate(document: Located, path: Path) -> Translation:
    """Components, routes, grants and what the links configure."""
    manifest, problems = validate(Manifest, document)
    if manifest is None:
        raise ManifestMistakes(problems)
    return _Reading(Translation(document, path.parent), manifest).done()


class _Reading:
    def __init__(self, made: Translation, manifest: Manifest) -> None:
        self._made = made
        self._manifest = manifest
        self._ids: dict[str, str] = {}
        self._all = {component.name: component for component in manifest.spec.components}

    def done(self) -> Translation:
        made, meta = self._made, self._manifest.metadata
        made.put(("application", "name"), meta.name, ("metadata", "name"))
        for key in ("version", "description"):
            if key in meta.annotations:
                text = meta.annotations[key].strip()
                made.put(("application", key), text, ("metadata", "annotations", key))
        seen: set[str] = set()
        for index, component in enumerate(self._manifest.spec.components):
            origin: KeyPath = ("spec", "components", index)
            if component.name in seen:
                made.wrong((*origin, "name"), f"the name '{component.name}' is taken")
            elif component.type != "capability":
                self._component(component, origin)
            seen.add(component.name)
        links: set[tuple[str, ...]] = set()
        for index, component in enumerate(self._manifest.spec.components):
            self._traits(component, ("spec", "components", index), links)
        return made

    def _component(self, component: Component, origin: KeyPath) -> None:
        made, properties = self._made, component.properties
        name = made.component_id(component.name, (*origin, "name"))
        self._ids[component.name] = name
        made.put(("component", name), {}, origin)
        where: KeyPath = (*origin, "properties")
        if properties.image is None:
            made.note(where, "is a component of another application", refuse=True)
        source = wasmcloud.source(made, properties.image or "none", where)
        made.put(("component", name, "source"), source, (*where, "image"))
        for index, config in enumerate(properties.config):
            place: KeyPath = (*where, "config", index)
            wasmcloud.configure(made, name, self._values(config, place), (*place, "properties"))
        self._secrets(name, properties.secrets, (*where, "secrets"))

    def _values(self, config: Config, origin: KeyPath) -> dict[str, str]:
        if config.properties is None:
            self._made.note(
                origin, f"the configuration '{config.name}' is kept in a lattice, not in this file"
            )
        return config.properties or {}

    def _secrets(self, name: str, secrets: list[Secret], origin: KeyPath) -> None:
        for index, secret in enumerate(secrets):
            source = secret.properties
            what = ", ".join(filter(None, (source.policy, source.key, source.field)))
            wasmcloud.secret(self._made, name, secret.name, what, (*origin, index))

    def _traits(self, component: Component, origin: KeyPath, links: set[tuple[str, ...]]) -> None:
        for index, one in enumerate(component.traits):
            where: KeyPath = (*origin, "traits", index)
            if one.type == "link":
                link = self._link(one, (*where, "properties"))
                if link is not None:
                    self._linked(component, link, (*where, "properties"), links)
            elif one.type in ("spreadscaler", "daemonscaler"):
                if component.type != "capability":
                    self._made.note(where, "one host has nothing to spread; it takes all requests")
            else:
                self._made.note(where, f"the trait '{one.type}' means nothing here")

    def _link(self, trait: Trait, origin: KeyPath) -> Link | None:
        link, problems = validate(Link, _Part(self._made, trait.properties, origin))
        self._made.problems += problems
        return link

    def _linked(
        self, component: Component, link: Link, origin: KeyPath, links: set[tuple[str, ...]]
    ) -> None:
        made = self._made
        target = link.target.name if isinstance(link.target, End) else link.target
        if target is None or target not in self._all:
            hint = did_you_mean(target or "", self._all, what="components")
            made.wrong((*origin, "target"), f"no component '{target}'", hint)
            return
        name = link.name or "default"
        key = (component.name, link.namespace, link.package, name, *sorted(link.interfaces))
        if key in links:
            made.wrong(origin, "the same link stands here twice")
        links.add(key)
        inside, outside = component.name in self._ids, target in self._ids
        if inside and outside:
            made.note(
                origin,
                f"a link to the component '{target}': calls between components are over HTTP here",
                refuse=True,
            )
        elif inside:
            use = self._use(link, target, origin, [*self._of_end(link.target, link.target_config)])
            wasmcloud.grant(made, self._ids[component.name], use)
        elif outside:
            own = component.name
            use = self._use(link, own, origin, [*self._of_end(link.source, link.source_config)])
            wasmcloud.answer(made, self._ids[target], use)

    @staticmethod
    def _of_end(end: End | str | None, old: list[Config]) -> Iterator[Config]:
        if isinstance(end, End):
            yield from end.config
        yield from old

    def _use(self, link: Link, provider: str, origin: KeyPath, configs: list[Config]) -> Use:
        capability = self._all[provider].properties
        values: dict[str, str] = {}
        for config in (*capability.config, *configs):
            values.update(self._values(config, origin))
        if "address" in values and link.package == "http":
            self._made.note(origin, f"address {values['address']}: the host's --listen says that")
        image = (capability.image or provider).rpartition("/")[2]
        backend = "" if image.startswith(_PROVIDERS) else image
        interfaces = tuple(link.interfaces)
        name = link.name or "default"
        return Use(link.namespace, link.package, interfaces, origin, name, values, backend)


class _Part:
    """A table within a document, for `validate`."""

    def __init__(self, made: Translation, table: dict[str, object], origin: KeyPath) -> None:
        self._made = made
        self._origin = origin
        self.file = made.file
        self.table = cast("Mapping[str, RawValue]", table)

    def at(self, path: Sequence[str | int]) -> Location:
        """Where a key stands."""
        return self._made.original.at((*self._origin, *path))

    def problem(self, path: Sequence[str | int], reason: str, hint: str | None = None) -> Problem:
        """A mistake at a key."""
        return self._made.original.problem((*self._origin, *path), reason, hint)
