"""`-W`, `-S`, `-C` and `-O` of the Wasmtime command line, as far as they mean something here.

The syntax is `-W name[=value],…` (Wasmtime 48, `wasmtime run -W help`); a switch
takes y or n. Names that we can't honour are refused, never passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from paddock.cli import options
from paddock.errors import UsageError


@dataclass(slots=True)
class Flags:
    """What the flags ask for; None where they say nothing."""

    memory: int | None = None
    table: int | None = None
    time: float | None = None
    fuel: int | None = None
    compiler: str | None = None
    inherit_env: bool = False
    inherit_network: bool = False
    name_lookup: bool | None = None
    tcp: bool | None = None
    udp: bool | None = None
    pooling: bool | None = None
    cache: bool | None = None
    configuration: dict[str, str] = field(default_factory=dict[str, str])


def _count(text: str) -> int:
    return options.positive(text)


def _compiler(text: str) -> str:
    if text in options.COMPILERS:
        return text
    raise UsageError(f"there is no compiler '{text}'", hint=f"choose {_list(options.COMPILERS)}")


#: name -> field of Flags and what reads the value. A switch has no reader.
_VALUES: Mapping[str, Mapping[str, tuple[str, Callable[[str], object] | None]]] = {
    "-W": {
        "max-memory-size": ("memory", options.size),
        "max-table-elements": ("table", _count),
        "timeout": ("time", options.duration),
        "fuel": ("fuel", _count),
    },
    "-S": {
        "inherit-env": ("inherit_env", None),
        "inherit-network": ("inherit_network", None),
        "allow-ip-name-lookup": ("name_lookup", None),
        "tcp": ("tcp", None),
        "udp": ("udp", None),
    },
    "-C": {"compiler": ("compiler", _compiler), "cache": ("cache", None)},
    "-O": {"pooling-allocator": ("pooling", None)},
}

#: Switches for what is always on here: y changes nothing, n can't be had.
_ALWAYS: Mapping[str, frozenset[str]] = {
    "-W": frozenset(
        (
            "bulk-memory",
            "component-model",
            "component-model-async",
            "multi-memory",
            "multi-value",
            "reference-types",
            "relaxed-simd",
            "simd",
            "tail-call",
        )
    ),
    "-S": frozenset(("cli", "common", "config", "http", "p3", "preview2")),
    "-C": frozenset(("parallel-compilation",)),
    "-O": frozenset(),
}


def read(given: Mapping[str, list[str]]) -> Flags:
    """Flags from the texts after each of `-W`, `-S`, `-C` and `-O`; raises UsageError."""
    flags = Flags()
    for letter, texts in given.items():
        for name, value in _settings(letter, texts):
            _apply(flags, letter, name, value)
    return flags


def _settings(letter: str, texts: list[str]) -> Iterator[tuple[str, str | None]]:
    for text in texts:
        for part in text.split(","):
            name, equals, value = part.partition("=")
            if not name:
                raise UsageError(f"{letter} {text}: not NAME[=VALUE],…")
            # Wasmtime reads both spellings.
            yield name.replace("_", "-"), value if equals else None


def _apply(flags: Flags, letter: str, name: str, value: str | None) -> None:
    if letter == "-S" and name == "config-var":
        key, equals, text = (value or "").partition("=")
        if not equals:
            raise UsageError("-S config-var: not config-var=KEY=VALUE")
        flags.configuration[key] = text
        return
    if name in _ALWAYS[letter]:
        if not _switch(letter, name, value):
            raise UsageError(f"{letter} {name}=n: this can't be turned off in Paddock")
        return
    known = _VALUES[letter]
    if name not in known:
        raise _unknown(letter, name)
    attribute, reader = known[name]
    if reader is None:
        setattr(flags, attribute, _switch(letter, name, value))
        return
    if not value:
        raise UsageError(f"{letter} {name}: needs a value", hint=f"write {letter} {name}=VALUE")
    import argparse

    try:
        setattr(flags, attribute, reader(value))
    except (UsageError, argparse.ArgumentTypeError) as error:
        hint = error.hint if isinstance(error, UsageError) else None
        why = error.message if isinstance(error, UsageError) else str(error)
        raise UsageError(f"{letter} {name}={value}: {why}", hint=hint) from error


def _switch(letter: str, name: str, value: str | None) -> bool:
    if value is None or value in ("y", "yes", "true"):
        return True
    if value in ("n", "no", "false"):
        return False
    raise UsageError(f"{letter} {name}={value}: not y or n")


def _unknown(letter: str, name: str) -> UsageError:
    from paddock.manifest.names import nearest

    names = sorted((*_VALUES[letter], *_ALWAYS[letter]))
    close = nearest(name, names)
    hint = f"did you mean '{close}'? " if close else ""
    return UsageError(
        f"{letter} {name}: Paddock has no such setting",
        hint=f"{hint}known after {letter}: {', '.join(names)}",
    )


def _list(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"
