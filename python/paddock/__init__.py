"""Paddock: a host for WebAssembly components.

`import paddock` costs next to nothing: names are looked up when they are first
used, since start-up time is measured in milliseconds (`docs/architecture.md`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paddock import errors

    __version__: str

__all__ = ["__version__", "errors"]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name == "__version__":
            from paddock._core import __version__

            return __version__
        if name == "errors":
            from importlib import import_module

            return import_module("paddock.errors")
        raise AttributeError(f"module 'paddock' has no attribute {name!r}")
