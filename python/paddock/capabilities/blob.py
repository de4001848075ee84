"""The blob store capability."""

from __future__ import annotations

from typing import Protocol


class BlobStore(Protocol):
    """One open store of one application; it holds containers."""
