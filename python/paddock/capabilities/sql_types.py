"""The portable types of columns, and what they are called by each product.

Where a product lacks a type, values are kept in one that holds them: SQLite keeps
dates as text under a name by which the provider knows them again, MySQL has no UUID
and no time stamp with a zone but for TIMESTAMP, whose sessions here are at UTC.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from paddock.capabilities.sql import Dialect
from paddock.capabilities.sql_text import Kind, Token

#: Words of the portable type → (SQLite, MySQL, Postgres); None leaves the words as they
#: are. `{}` stands for what was given in parentheses.
TYPES: dict[tuple[str, ...], tuple[str | None, str | None, str | None]] = {
    ("BOOLEAN",): ("BOOLEAN_INT", None, None),
    ("DOUBLE", "PRECISION"): (None, None, None),
    ("DOUBLE",): (None, None, "DOUBLE PRECISION"),
    ("DECIMAL",): ("DECIMAL_TEXT{}", None, None),
    ("NUMERIC",): ("DECIMAL_TEXT{}", None, None),
    ("TEXT",): (None, "LONGTEXT", None),
    ("BYTES",): ("BLOB", "LONGBLOB", "BYTEA"),
    ("BYTEA",): ("BLOB", "LONGBLOB", "BYTEA"),
    ("BLOB",): ("BLOB", "LONGBLOB", "BYTEA"),
    ("DATE",): ("DATE_TEXT", None, None),
    ("TIME",): ("TIME_TEXT", "TIME(6)", None),
    ("TIMESTAMP",): ("TIMESTAMP_TEXT", "DATETIME(6)", None),
    ("TIMESTAMP", "WITHOUT", "TIME", "ZONE"): ("TIMESTAMP_TEXT", "DATETIME(6)", None),
    ("TIMESTAMP", "WITH", "TIME", "ZONE"): ("TIMESTAMPTZ_TEXT", "TIMESTAMP(6)", None),
    ("TIMESTAMPTZ",): ("TIMESTAMPTZ_TEXT", "TIMESTAMP(6)", None),
    ("UUID",): ("UUID_TEXT", "CHAR(36) CHARACTER SET ascii", None),
    ("JSON",): ("JSON_TEXT", None, None),
    ("JSONB",): ("JSON_TEXT", "JSON", None),
}
_LONGEST = max(map(len, TYPES))
_PRODUCTS: dict[Dialect, int] = {"sqlite": 0, "mysql": 1, "postgres": 2}

#: Words that begin a constraint where a column could begin.
_CONSTRAINTS = frozenset(
    {"PRIMARY", "FOREIGN", "UNIQUE", "CHECK", "CONSTRAINT", "INDEX", "KEY", "LIKE", "EXCLUDE",
     "FULLTEXT", "SPATIAL", "PERIOD"}
)  # fmt: skip
_BLANK = (Kind.SPACE, Kind.COMMENT)


def with_types(found: list[Token], dialect: Dialect) -> list[Token]:
    """The same statement with the types of its columns as a product calls them."""
    code = [index for index, token in enumerate(found) if token.kind not in _BLANK]
    words = [found[index].word for index in code[:8]]
    if words[:1] == ["CREATE"] and "TABLE" in words[1:4]:
        columns = _created(found, code)
    elif words[:2] == ["ALTER", "TABLE"]:
        columns = _added(found, code)
    else:
        return found
    made = list(found)
    for column in columns:
        _rewrite(made, column, dialect)
    return made


def _created(found: Sequence[Token], code: Sequence[int]) -> Iterator[list[int]]:
    """The places of the tokens of each column in CREATE TABLE name (…)."""
    depth, column = 0, list[int]()
    for index in code:
        sign = found[index].word
        if sign == ")":
            depth -= 1
        if depth >= 1 and not (depth == 1 and sign == ","):
            column.append(index)
        elif column:
            if found[column[0]].word not in _CONSTRAINTS:
                yield column
            column = []
            if depth == 0:
                # What follows are options of the table.
                return
        if sign == "(":
            depth += 1


def _added(found: Sequence[Token], code: Sequence[int]) -> Iterator[list[int]]:
    """The places of the tokens of each column in ALTER TABLE name ADD [COLUMN] column."""
    at = 0
    while at < len(code):
        if found[code[at]].word != "ADD":
            at += 1
            continue
        at += 1
        while at < len(code) and found[code[at]].word in ("COLUMN", "IF", "NOT", "EXISTS"):
            at += 1
        column, depth = list[int](), 0
        while at < len(code) and not (depth == 0 and found[code[at]].word in (",", ";")):
            depth += {"(": 1, ")": -1}.get(found[code[at]].word, 0)
            column.append(code[at])
            at += 1
        if column and found[column[0]].word not in _CONSTRAINTS:
            yield column


def _rewrite(made: list[Token], column: Sequence[int], dialect: Dialect) -> None:
    """Put the product's words in place of the portable ones of a column."""
    words = [made[index].word for index in column]
    if dialect != "postgres" and "IDENTITY" in words:
        _identity(made, column, words, dialect)
        return
    for length in range(_LONGEST, 0, -1):
        names = TYPES.get(tuple(words[1 : 1 + length]))
        if names is not None:
            break
    else:
        return
    name = names[_PRODUCTS[dialect]]
    if name is None:
        return
    end = 1 + length
    given = ""
    if words[end : end + 1] == ["("] and ")" in words[end:]:
        end = words.index(")", end) + 1
        given = "".join(made[index].text for index in column[1 + length : end])
    if name.startswith("TIMESTAMP(") and not {"NOT", "PRIMARY"} & set(words[end:]):
        # MySQL would take a column without this for one that is never NULL.
        name += " NULL"
    _put(made, column[1:end], name.replace("{}", given))


def _identity(made: list[Token], column: Sequence[int], words: list[str], dialect: Dialect) -> None:
    """A key that the database generates: `BIGINT GENERATED … AS IDENTITY PRIMARY KEY`."""
    if "GENERATED" not in words:
        return
    start, end = words.index("GENERATED"), words.index("IDENTITY") + 1
    if dialect == "mysql":
        _put(made, column[start:end], "AUTO_INCREMENT")
        return
    _put(made, column[start:end], "")
    _put(made, column[1:start], "INTEGER")
    for index in range(end, len(words) - 1):
        if words[index : index + 2] == ["PRIMARY", "KEY"]:
            _put(made, column[index : index + 2], "PRIMARY KEY AUTOINCREMENT")


def _put(made: list[Token], places: Sequence[int], text: str) -> None:
    """`text` in place of some tokens and of the blanks between them."""
    for index in range(places[0], places[-1] + 1):
        made[index] = Token(Kind.SPACE, "")
    made[places[0]] = Token(Kind.WORD, text)
