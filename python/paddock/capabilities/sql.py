"""The SQL capability."""

from __future__ import annotations

from typing import Protocol


class SqlDatabase(Protocol):
    """One open database of one application."""
