"""JSON schemas of the manifest and of the host's configuration, for editors."""

from __future__ import annotations

from typing import cast

from pydantic import BaseModel

from paddock.manifest.hostshapes import HostTable
from paddock.manifest.shapes import ManifestTable

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def application_schema() -> dict[str, object]:
    """The JSON schema (draft 2020-12) of `paddock.toml` and `spin.toml`."""
    schema = _schema(ManifestTable, "Paddock application")
    schema["anyOf"] = [
        {"required": ["paddock_manifest_version"]},
        {"required": ["spin_manifest_version"]},
    ]
    return schema


def host_schema() -> dict[str, object]:
    """The JSON schema (draft 2020-12) of `host.toml`."""
    return _schema(HostTable, "Paddock host configuration")


def _schema(shape: type[BaseModel], title: str) -> dict[str, object]:
    schema = cast("dict[str, object]", shape.model_json_schema())
    return {"$schema": DIALECT, **schema, "title": title}
