"""Stands in for imports that a guest carries along without needing them.

SDKs import their whole world: Spin's for Python has a candidate of WASI beside the
release, and language models. What is really called ends the guest, or answers the
interface's own error, and the log says why.
"""

from __future__ import annotations

from typing import NoReturn

from paddock.errors import CapabilityError
from paddock.interfaces.grants import Grants
from paddock.types import Err, Variant


class StandIn:
    """Has every function of an interface that this host does not offer; each one fails.

    A name is a function or a resource, whose functions fail in the same way.
    """

    __slots__ = ("_name", "_of")

    def __init__(self, of: str, name: str = "") -> None:
        self._of = of
        self._name = name

    def __getattr__(self, name: str) -> StandIn:
        if name.startswith("__"):
            raise AttributeError(name)
        return StandIn(self._of, f"{self._name}.{name}".lstrip("."))

    def __call__(self, *_: object) -> NoReturn:
        raise CapabilityError(
            f"the guest called {self._name} of {self._of}, which this host does not offer",
            hint="build it against a released version",
        )


class LanguageModels:
    """`fermyon:spin/llm`: there are no models here."""

    __slots__ = ()

    def __init__(self, grants: Grants) -> None:
        del grants

    def infer(self, *_: object) -> NoReturn:
        """No model is supported."""
        raise Err(Variant("model-not-supported"))

    generate_embeddings = infer
