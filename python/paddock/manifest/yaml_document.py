"""Reads a YAML (or JSON) file into its raw table, and knows where everything stands in it.

PyYAML is an extra, imported only here. Of several documents in a file the first one
that `wanted` takes is read, as is usual where manifests stand beside other resources.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from paddock.errors import ManifestError
from paddock.manifest.document import MOST_LEVELS, refuse_unusable
from paddock.manifest.model import Location, RawValue
from paddock.manifest.positions import KeyPath
from paddock.manifest.problems import ManifestMistakes, Problem, key_text

if TYPE_CHECKING:
    import yaml

#: Aliases may repeat a value; so many values in all, whatever a file says.
MOST_VALUES = 100_000

Wanted = Callable[[Mapping[str, object]], bool]


class YamlDocument:
    """The raw table of a YAML document, with a `Location` for each of its keys."""

    def __init__(self, data: bytes, file: str, wanted: Wanted | None = None) -> None:
        """Parse `data`, named `file` in messages; ManifestMistakes, or ManifestError
        when PyYAML is not installed."""
        self.file = file
        self._places: dict[KeyPath, tuple[int, int]] = {}
        self._left = MOST_VALUES
        self.table = self._chosen(data, wanted)
        refuse_unusable(self)

    def at(self, path: Sequence[str | int]) -> Location:
        """Where a key stands, or the nearest thing around it."""
        key = tuple(path)
        while key and key not in self._places:
            key = key[:-1]
        line, column = self._places.get(key, (1, 1))
        return Location(self.file, line, column)

    def problem(self, path: Sequence[str | int], reason: str, hint: str | None = None) -> Problem:
        """A mistake at a key."""
        return Problem(self.at(path), key_text(path), reason, hint)

    def _chosen(self, data: bytes, wanted: Wanted | None) -> Mapping[str, RawValue]:
        first: Mapping[str, RawValue] | None = None
        for root in _roots(data, self.file):
            self._places = {}
            value = self._value(root, ())
            table = cast("Mapping[str, RawValue]", value) if isinstance(value, dict) else None
            if table is not None and (wanted is None or wanted(table)):
                return table
            first = first if first is not None else table
        if first is None:
            raise self._broken("is not a table of keys")
        return first

    def _value(self, node: yaml.Node, path: KeyPath) -> object:
        import yaml

        self._left -= 1
        if self._left < 0 or len(path) > MOST_LEVELS:
            raise self._broken("arrays or tables are nested too deeply, or repeat too much")
        mark = node.start_mark
        self._places.setdefault(path, (mark.line + 1, mark.column + 1))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*path, i)) for i, item in enumerate(node.value)]
        return _scalar(node)

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, object]:
        import yaml

        table: dict[str, object] = {}
        for key, value in node.value:
            # As text a key that is a table would be as large as its aliases make it.
            if not isinstance(key, yaml.ScalarNode):
                raise self._broken("a key has to be a word", key)
            name = _whole(str(key.value))
            place = (*path, name)
            if name in table:
                raise self._broken(f"the key {key_text(place)!r} stands twice", key)
            self._places[place] = (key.start_mark.line + 1, key.start_mark.column + 1)
            inner = self._value(value, place)
            # A key without a value is as good as none.
            if inner is not None:
                table[name] = inner
        return table

    def _broken(self, reason: str, node: yaml.Node | None = None) -> ManifestMistakes:
        line = node.start_mark.line + 1 if node else 0
        return ManifestMistakes([Problem(Location(self.file, line), "", reason)])


def _roots(data: bytes, file: str) -> Sequence[yaml.Node]:
    try:
        import yaml
    except ImportError:
        raise ManifestError(
            f"{file} is YAML, and PyYAML is not installed", hint="pip install 'paddock[yaml]'"
        ) from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        problem = Problem(Location(file), "", "not valid UTF-8", "save the file as UTF-8")
        raise ManifestMistakes([problem]) from None
    try:
        loader = yaml.SafeLoader(text)
        try:
            return list(_composed(loader))
        except (ValueError, OverflowError):
            # An escape for a character that there is not: "\U00110000".
            reached = loader.get_mark()
            place = Location(file, reached.line + 1, reached.column + 1)
            problem = Problem(place, "", "not valid YAML: no character has this number")
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = Location(file, mark.line + 1, mark.column + 1) if mark else Location(file)
        problem = Problem(place, "", f"not valid YAML: {error.problem or error.context}")
    except (yaml.YAMLError, RecursionError) as error:
        problem = Problem(Location(file), "", f"not valid YAML: {str(error).splitlines()[0][:200]}")
    raise ManifestMistakes([problem]) from None


def _composed(loader: yaml.SafeLoader) -> Iterator[yaml.Node]:
    while loader.check_node():
        root = loader.get_node()
        if root is not None:
            yield root


def _whole(text: str) -> str:
    """`text` with the surrogate pairs of JSON's escapes as the characters that they are."""
    if text.isascii():
        return text
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        return text


def _scalar(node: yaml.Node) -> object:
    """A scalar by the core schema: text, whole number, number, boolean, or nothing."""
    text = _whole(str(node.value))
    kind = node.tag.rpartition(":")[2]
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() in ("true", "yes", "on")
    try:
        if kind == "int":
            return int(text.replace("_", ""), 0)
        if kind == "float":
            return float(text.replace("_", ""))
    except ValueError:
        return text
    return text
