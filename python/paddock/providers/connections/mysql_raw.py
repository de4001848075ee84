"""What is used of `asyncmy`, and the one part of the protocol that it lacks: cursors.

A prepared statement executed with a cursor keeps its result at the server, from
where rows are fetched as they are wanted, and the connection stays free for other
statements meanwhile (MySQL protocol: COM_STMT_EXECUTE, COM_STMT_FETCH).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Protocol, TypeAlias, cast

Row: TypeAlias = Sequence[object]

STMT_EXECUTE = 0x17
STMT_FETCH = 0x1C
RESET_CONNECTION = 0x1F

#: CURSOR_TYPE_READ_ONLY
CURSOR = 1
#: Bits of the server's status.
CURSOR_EXISTS = 0x40
LAST_ROW_SENT = 0x80

UNSIGNED = 32
#: The character set of bytes.
BINARY = 63
JSON = 245


class RawField(Protocol):
    """A column of a result."""

    name: str
    type_code: int
    charsetnr: int
    length: int
    flags: int
    scale: int


class RawResult(Protocol):
    """What a statement answered; `rows` is None where it has no columns."""

    rows: Sequence[Row] | None
    fields: Sequence[RawField]
    affected_rows: int
    insert_id: int
    field_count: int
    has_next: int


class RawPacket(Protocol):
    """A packet of the server."""

    def is_ok_packet(self) -> bool: ...
    def is_auth_switch_request(self) -> bool: ...
    def get_all_data(self) -> bytes: ...
    def read_length_encoded_integer(self) -> int: ...
    def read_binary_row(self, specs: tuple[object, ...]) -> Row: ...


class RawStatement(Protocol):
    """A prepared statement."""

    parameter_count: int
    _statement_id: int

    async def execute(self, arguments: Sequence[object]) -> RawResult: ...
    async def close(self) -> None: ...


class RawTransport(Protocol):
    """A socket."""

    def abort(self) -> None: ...


class RawConnection(Protocol):
    """A connection."""

    connected: bool
    server_status: int
    server_version: str
    _transport: RawTransport | None
    _result: RawResult | None
    _deprecate_eof: bool
    _stream_broken: bool

    async def connect(self) -> object: ...
    async def prepare(self, sql: str) -> RawStatement: ...
    async def query(self, sql: str) -> int: ...
    async def next_result(self) -> int: ...
    async def ensure_closed(self) -> None: ...
    async def read_packet(self) -> RawPacket: ...
    async def _execute_command(self, command: int, payload: bytes) -> None: ...
    def close(self) -> None: ...
    def get_transaction_status(self) -> bool: ...


class Cursor:
    """The rows of one execution, still at the server.

    Where the server opens no cursor (`SHOW …`), `early` holds all rows.
    """

    def __init__(self, raw: RawConnection, statement: RawStatement) -> None:
        self._raw = raw
        self._statement = statement
        self.fields: list[RawField] = []
        self.early: list[Row] = []
        self.ended = False
        #: Rows affected and last key where the statement has no columns.
        self.affected = 0
        self.insert_id = 0
        self._specs: tuple[object, ...] = ()

    async def open(self, arguments: Sequence[object]) -> None:
        """Execute the statement."""
        from asyncmy.protocol import FieldDescriptorPacket, pack_binary_params

        raw = self._raw
        payload = struct.pack("<IBI", self._statement._statement_id, CURSOR, 1)
        if arguments:
            payload += pack_binary_params(tuple(arguments), "utf8")
        await raw._execute_command(STMT_EXECUTE, payload)
        first = await raw.read_packet()
        if first.is_ok_packet():
            self.ended = True
            self.affected, self.insert_id = _counts(first.get_all_data())
            raw.server_status = _status(first.get_all_data(), raw.server_status)
            return
        read = cast("_ReadAs", raw.read_packet)
        for _ in range(first.read_length_encoded_integer()):
            self.fields.append(cast("RawField", await read(FieldDescriptorPacket)))
        self._specs = tuple(_spec(field) for field in self.fields)
        packet = await raw.read_packet()
        if not self._is_end(packet):
            self.early.append(packet.read_binary_row(self._specs))
        elif raw.server_status & CURSOR_EXISTS:
            return
        elif raw._deprecate_eof:
            self.ended = True
            return
        # No cursor: the rows follow.
        await self._read(self.early)
        self.ended = True

    async def fetch(self, count: int) -> list[Row]:
        """The next rows; `ended` says whether they were the last."""
        if self.ended:
            return []
        rows: list[Row] = []
        payload = struct.pack("<II", self._statement._statement_id, count)
        await self._raw._execute_command(STMT_FETCH, payload)
        await self._read(rows)
        if self._raw.server_status & LAST_ROW_SENT or not rows:
            self.ended = True
        return rows

    async def close(self) -> None:
        """Let the server forget the statement, and with it what was not fetched."""
        self.ended = True
        await self._statement.close()

    async def _read(self, rows: list[Row]) -> None:
        while True:
            packet = await self._raw.read_packet()
            if self._is_end(packet):
                return
            rows.append(packet.read_binary_row(self._specs))

    def _is_end(self, packet: RawPacket) -> bool:
        """Whether this is the packet after the columns or rows; it has the server's status."""
        if not packet.is_auth_switch_request():  # begins with 0xFE
            return False
        data = packet.get_all_data()
        if len(data) >= 0xFFFFFF:
            return False
        self._raw.server_status = _status(data, self._raw.server_status)
        return True


class _ReadAs(Protocol):
    async def __call__(self, packet_type: object) -> object: ...


def _status(data: bytes, known: int) -> int:
    """The status of an end or OK packet, which differ in what stands before it."""
    if data[0] == 0xFE and len(data) == 5:
        return int.from_bytes(data[3:5], "little")
    at = _after_integer(data, _after_integer(data, 1))
    return int.from_bytes(data[at : at + 2], "little") if len(data) >= at + 2 else known


def _counts(data: bytes) -> tuple[int, int]:
    at = _after_integer(data, 1)
    return _integer(data, 1), _integer(data, at)


def _integer(data: bytes, at: int) -> int:
    size = {0xFC: 2, 0xFD: 3, 0xFE: 8}.get(data[at], 0)
    return int.from_bytes(data[at + 1 : at + 1 + size], "little") if size else data[at]


def _after_integer(data: bytes, at: int) -> int:
    return at + 1 + {0xFC: 2, 0xFD: 3, 0xFE: 8}.get(data[at], 0)


def _spec(field: RawField) -> tuple[object, ...]:
    """How asyncmy is to read values of this column: type, unsigned, decoding."""
    from asyncmy.converters import conversions, through

    converter = conversions.get(field.type_code)
    if converter is through:
        converter = None
    text = field.type_code == JSON or (field.type_code in TEXTS and field.charsetnr != BINARY)
    if text:
        code, encoding = 1, "utf8"
    elif field.type_code in TEXTS:
        code, encoding = 0, None
    else:
        code, encoding = 2, "ascii"
    return field.type_code, bool(field.flags & UNSIGNED), code, encoding, converter


#: BIT, the BLOBs, VAR_STRING, STRING, VARCHAR, GEOMETRY.
TEXTS = frozenset({16, 249, 250, 251, 252, 253, 254, 15, 255})
