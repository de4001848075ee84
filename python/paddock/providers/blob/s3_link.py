"""One client for each bucket and event loop, its health, and its errors in our words."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from paddock.errors import (
    BadName,
    CapabilityError,
    Exhausted,
    NotFound,
    TimedOut,
    TooLarge,
    Unavailable,
)
from paddock.providers.connections.health import Health
from paddock.providers.connections.shared import Shared
from paddock.providers.options import OptionError, Options, Secret

if TYPE_CHECKING:
    from obstore.store import ClientConfig, S3Config, S3Store

T = TypeVar("T")

#: Bytes of one part of a large upload; S3 takes no smaller ones. An upload has one
#: part on its way and gathers the next, so it keeps twice as much in memory.
PART = 5 << 20


@dataclass(frozen=True, slots=True)
class S3BlobConfig:
    """A bucket and how to get in; without keys, AWS's own environment variables say that.

    `endpoint` is the URL of a server other than AWS. `timeout` in seconds bounds each
    request, and the silence within a longer one. `part_size` in bytes.
    """

    bucket: str
    region: str = "us-east-1"
    endpoint: str | None = None
    prefix: str = ""
    access_key: str | None = None
    secret_key: Secret | None = field(default=None, repr=False)
    session_token: Secret | None = field(default=None, repr=False)
    virtual_hosted: bool = False
    timeout: float = 5.0
    part_size: int = PART

    @classmethod
    def from_table(cls, options: Mapping[str, object], base: Path | None = None) -> S3BlobConfig:
        """Read a `[blob_store.X]` table."""
        what = "an S3 blob store"
        table = Options(options, what, base)
        config = cls(
            bucket=table.required("bucket"),
            region=table.text("region", "us-east-1") or "us-east-1",
            endpoint=_endpoint(table.text("endpoint"), what),
            prefix=_prefix(table.text("prefix", "") or "", what),
            access_key=table.text("access_key"),
            secret_key=table.secret("secret_key"),
            session_token=table.secret("session_token"),
            virtual_hosted=table.flag("virtual_hosted"),
            timeout=table.seconds("timeout", 5.0, least=0.01),
            part_size=table.integer("part_size", PART, least=PART, most=1 << 30),
        )
        table.done()
        if bool(config.access_key) != bool(config.secret_key):
            missing = "secret_key" if config.access_key else "access_key"
            raise OptionError(
                missing,
                f"{what}: `access_key` and `secret_key` go together",
                hint="leave both out to use the AWS_… environment variables",
            )
        return config

    @property
    def what(self) -> str:
        """Names the bucket in messages."""
        place = f" at {urlsplit(self.endpoint).netloc}" if self.endpoint else ""
        return f"the S3 bucket '{self.bucket}'{place}"


class S3Link:
    """The shared client; `take` one and `give` it back."""

    def __init__(self, config: S3BlobConfig) -> None:
        self.store = _client(config)
        self.timeout = config.timeout
        self.what = config.what
        self.health = Health(config.what, self._ping, config.timeout)

    async def _ping(self) -> None:
        import obstore

        try:
            await first(aiter(obstore.list(self.store, chunk_size=1)))
        except Exception as error:
            raise self.failure(error) from error

    @asynccontextmanager
    async def call(self, *, bounded: bool = True) -> AsyncIterator[None]:
        """Around a request: fails at once while the server is away, and raises our errors.

        Without `bounded` only the client's own limits hold, for what may take long.
        """
        self.health.check()
        try:
            async with asyncio.timeout(self.timeout if bounded else None):
                yield
        except TimeoutError as error:
            self.health.doubt()
            raise TimedOut(f"{self.what} did not answer within {self.timeout:g} s") from error
        except CapabilityError:
            raise
        except Exception as error:
            failure = self.failure(error)
            if not isinstance(failure, NotFound):
                self.health.doubt()
            raise failure from error

    def failure(self, error: Exception) -> CapabilityError:
        """What the client raised, without its text, which may show more than is wanted."""
        from obstore import exceptions

        text = str(error)
        code = found.group(1) if (found := _CODE.search(text)) else None
        if code == "NoSuchBucket":
            return CapabilityError(
                f"{self.what} does not exist", hint="make it, or correct `bucket`"
            )
        status = found.group(1) if (found := _STATUS.search(text)) else ""
        if isinstance(error, FileNotFoundError) or status == "404":
            return NotFound(f"{self.what} has no such object")
        # Some servers answer a full disk or a quota with 403.
        if refused := _REFUSED.get(code or "") or _REFUSED.get(status):
            return refused(f"{self.what} refused the request ({code or status})")
        if isinstance(error, PermissionError) or status in ("401", "403"):
            reason = f" ({code})" if code else ""
            return CapabilityError(
                f"{self.what} refuses access{reason}",
                hint="check `access_key`, `secret_key` and what they are allowed to do",
            )
        if status.startswith("4"):
            return CapabilityError(f"{self.what} refused the request ({code or status})")
        if isinstance(error, (exceptions.BaseError, OSError)):
            reason = (
                f"answered {status}" if status else "can't be reached or did not answer in time"
            )
            return Unavailable(f"{self.what} {reason}")
        raise error

    async def close(self) -> None:
        """The connections go with the client."""
        await self.health.close()


async def first(items: AsyncIterator[T]) -> T | None:
    """The next item; None at the end. Iterators of the client fail under `anext`'s own default."""
    try:
        return await anext(items)
    except StopAsyncIteration:
        return None


_CODE = re.compile(r"<Code>(\w+)</Code>")
_REFUSED: Mapping[str, type[CapabilityError]] = {
    "EntityTooLarge": TooLarge,
    "KeyTooLongError": BadName,
    "QuotaExceeded": Exhausted,
    "SlowDown": Exhausted,
    # Insufficient storage (RFC 4918), under codes that each server has of its own.
    "507": Exhausted,
}
_STATUS = re.compile(r"status(?: code)?:? (\d{3})")

_LINKS: Shared[S3Link] = Shared()


def take(config: S3BlobConfig) -> S3Link:
    """The client for a bucket; whether it answers is found out in the background."""
    link = _LINKS.take(config, lambda: S3Link(config))
    link.health.doubt()
    return link


async def give(config: S3BlobConfig, link: S3Link) -> None:
    """Give up one use."""
    await _LINKS.give(config, link)


def _client(config: S3BlobConfig) -> S3Store:
    from obstore.store import S3Store

    options: S3Config = {
        "region": config.region,
        "virtual_hosted_style_request": config.virtual_hosted,
    }
    if config.endpoint:
        options["endpoint"] = config.endpoint
    if config.access_key and config.secret_key:
        options["access_key_id"] = config.access_key
        options["secret_access_key"] = config.secret_key.value
    if config.session_token:
        options["session_token"] = config.session_token.value
    limit = timedelta(seconds=config.timeout)
    client: ClientConfig = {
        "connect_timeout": limit,
        "read_timeout": limit,
        # The whole of a request, its body included, may take as long as bytes come.
        "timeout": timedelta(days=1),
        "allow_http": (config.endpoint or "").startswith("http:"),
    }
    return S3Store(
        config.bucket,
        config=options,
        client_options=client,
        # A retry that begins late would end after the caller has given up.
        retry_config={
            "max_retries": 3,
            "retry_timeout": limit / 2,
            "backoff": {
                "init_backoff": timedelta(milliseconds=50),
                "max_backoff": limit / 4,
                "base": 2,
            },
        },
    )


def _endpoint(url: str | None, what: str) -> str | None:
    if url is None:
        return None
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise OptionError(
            "endpoint",
            f"{what}: `endpoint` is not the URL of a server",
            hint='write endpoint = "https://s3.example.com", keys in options of their own',
        )
    return url.rstrip("/")


def _prefix(prefix: str, what: str) -> str:
    text = prefix.strip("/")
    if any(part in ("", ".", "..") or not part.isprintable() for part in text.split("/")) and text:
        raise OptionError("prefix", f"{what}: `prefix` is no path of a key", hint='write "a/b"')
    return text
