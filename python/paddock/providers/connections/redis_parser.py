"""Reads Redis's answers (RESP 2), and tells a simple string from a value."""

from __future__ import annotations

from paddock.capabilities.redis import Status


def parser() -> type:
    """redis-py's parser for RESP 2, which otherwise gives the same bytes for both."""
    from redis._parsers import _AsyncRESP2Parser
    from redis.exceptions import ConnectionError as Ended
    from redis.exceptions import InvalidResponse

    class Telling(_AsyncRESP2Parser):
        async def _read_response(  # type: ignore[override]
            self, disable_decoding: bool = False
        ) -> object:
            line: bytes = await self._readline()
            kind, rest = line[:1], line[1:]
            if kind == b"$":
                return None if rest == b"-1" else await self._read(int(rest))
            if kind == b"+":
                return Status(rest)
            if kind == b":":
                return int(rest)
            if kind == b"*":
                if rest == b"-1":
                    return None
                return [await self._read_response(disable_decoding) for _ in range(int(rest))]
            if kind != b"-":
                raise InvalidResponse(f"Protocol Error: {line!r}")
            text = rest.decode("utf-8", "replace")
            error: Exception = self.parse_error(text)  # type: ignore[no-untyped-call]
            if isinstance(error, Ended):
                self._clear()  # type: ignore[no-untyped-call]
                raise error
            return error

    return Telling
