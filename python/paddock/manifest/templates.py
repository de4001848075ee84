"""Templates over variables: `{{ name }}` in text, as the Spin manifest has them.

A `}}` without an opening `{{` is plain text, and so is a single brace.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from paddock.errors import ManifestError
from paddock.manifest.names import check_variable_name, did_you_mean


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a template: plain text, or the name of a variable."""

    text: str
    is_variable: bool = False


def parse_template(text: str) -> tuple[Part, ...]:
    """The pieces of a template in order.

    Raises ManifestError for `{{` without `}}` and for a name that no variable
    can have.
    """
    parts: list[Part] = []
    rest = text
    while rest:
        plain, opening, rest = rest.partition("{{")
        if plain:
            parts.append(Part(plain))
        if not opening:
            break
        name, closing, rest = rest.partition("}}")
        if not closing:
            raise ManifestError(
                "'{{' is not closed in a template",
                hint="write {{ name }} with the name of a variable",
            )
        parts.append(Part(check_variable_name(name.strip()), is_variable=True))
    return tuple(parts)


def variables_of(text: str) -> tuple[str, ...]:
    """Names of the variables that a template uses, in order, each once."""
    return tuple(dict.fromkeys(part.text for part in parse_template(text) if part.is_variable))


def expand(text: str, values: Mapping[str, str]) -> str:
    """Replace every `{{ name }}` in `text` by its value.

    Values are not expanded again. Raises ManifestError for a name that
    `values` lacks; the message never contains a value, which may be secret.
    """
    if "{{" not in text:
        return text
    pieces: list[str] = []
    for part in parse_template(text):
        if not part.is_variable:
            pieces.append(part.text)
        elif part.text in values:
            pieces.append(values[part.text])
        else:
            raise ManifestError(
                f"variable '{part.text}' has no value",
                hint=did_you_mean(part.text, values, what="variables"),
            )
    return "".join(pieces)
