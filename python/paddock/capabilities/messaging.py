"""The messaging capability."""

from __future__ import annotations

from typing import Protocol


class MessageBroker(Protocol):
    """One open broker."""
