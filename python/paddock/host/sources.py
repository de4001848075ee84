"""The files behind what is desired: manifest, host configuration, certificates."""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace
from pathlib import Path

from paddock.errors import HostError, PaddockError
from paddock.host.state import private_directory
from paddock.manifest.hostconfig import HostConfig
from paddock.manifest.model import Application


def configuration(path: Path | None) -> HostConfig:
    """The host's configuration; without a file everything is as usual."""
    if path is None:
        return HostConfig()
    from paddock.manifest.hostconfig import load_host_config

    return load_host_config(path)


def pem(path: Path) -> bytes:
    """The content of a file of certificates or keys; HostError if it can't be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise HostError(
            f"can't read {path}: {error.strerror}", hint="name PEM files for certificate and key"
        ) from error


def with_own(configuration: HostConfig, application: Application) -> HostConfig:
    """The configuration and, where it says nothing, what the application's file says."""
    if not application.providers:
        return configuration
    tables = dict.fromkeys((*application.providers, *configuration.named))
    named = {
        table: {**application.providers.get(table, {}), **configuration.providers(table)}
        for table in tables
    }
    return replace(configuration, named=named)


def application(manifest: Path, cache: Path | None, profile: str | None = None) -> Application:
    """The application of `manifest`; a manifest that was checked before is not parsed again.

    What is kept in `cache` is the user's own, beside the compiled code, and
    keyed by the manifest's path and content.
    """
    import hashlib

    from paddock.manifest import codec, formats, reader

    # What a YAML file says may hold secrets of providers; that is not kept.
    if manifest.suffix != ".toml" or formats.is_wash(manifest) or cache is None:
        return reader.load(manifest, profile)
    try:
        content = manifest.read_bytes()
    except OSError:
        return reader.load(manifest, profile)
    asked = f"{manifest}\0{profile or ''}\0"
    name = hashlib.sha256(os.fsencode(asked) + content).hexdigest()
    kept = cache / "manifests" / f"{name}.json"
    # Whatever is wrong with the kept one: the manifest itself is there.
    with contextlib.suppress(OSError, PaddockError, ValueError):
        return codec.from_json(kept.read_text(encoding="utf-8"))
    found = reader.read(content, manifest, profile)
    with contextlib.suppress(OSError, PaddockError):
        private_directory(kept.parent)
        part = kept.with_suffix(f".{os.getpid()}")
        part.write_text(codec.to_json(found), encoding="utf-8")
        os.replace(part, kept)
    return found
