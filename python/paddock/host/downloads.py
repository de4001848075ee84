"""Components that a manifest names by URL and digest: fetched once, checked, kept.

What is kept is named by its digest and checked again when it is used, so a second
start needs no network, and a changed file is never run.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
import time
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from paddock.errors import PlanError
from paddock.host.state import private_directory

if TYPE_CHECKING:
    from http.client import HTTPMessage, HTTPResponse
    from typing import IO

    from paddock.manifest.model import UrlSource

#: Seconds without a byte after which a download is given up.
TIMEOUT = 30.0
#: Seconds that a whole download may take, however steadily its bytes come.
LONGEST = 900.0
#: Bytes of a component at most.
MOST = 256 << 20


def fetch(source: UrlSource, directory: Path) -> Path:
    """The file of `source` below `directory`. Blocks; PlanError says why it can't be had."""
    name = source.digest.removeprefix("sha256:")
    kept = directory / f"{name}.wasm"
    if kept.is_file() and _digest(kept.read_bytes()) == source.digest:
        return kept
    data = _download(source.url)
    found = _digest(data)
    if found != source.digest:
        raise PlanError(
            f"{shown(source.url)} has the digest {found}, not {source.digest}",
            hint="if the file was changed on purpose, set `digest` to what it is now",
        )
    private_directory(directory)
    part = kept.with_suffix(f".{os.getpid()}")
    try:
        part.write_bytes(data)
        os.replace(part, kept)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise PlanError(
            f"can't keep what was fetched in {directory}: {error.strerror}",
            hint="the state directory has to be writable and have room",
        ) from error
    return kept


def allowed(url: str) -> bool:
    """Whether components may come from there: over TLS, or from this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme == "https":
            return bool(host)
        return parts.scheme == "http" and _is_own(host)
    except ValueError:
        return False


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _is_own(host: str) -> bool:
    """Whether a host is this machine by its name or address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def shown(url: str) -> str:
    """A URL without what may be secret in it: user, password, query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def refusal(url: str) -> PlanError:
    """Why nothing is fetched from there."""
    return PlanError(
        f"a component is not fetched from {shown(url)}: it has to be an https URL, or one of "
        "this machine",
        hint="use https, or download it and name the file",
    )


class _OnlyAllowed(urllib.request.HTTPRedirectHandler):
    """Follows a redirect only to where a component may come from.

    No other machine sends us to this one, where services trust who can reach them.
    """

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if not allowed(newurl):
            raise refusal(newurl)
        if _is_own(_host(newurl)) and not _is_own(_host(req.full_url)):
            raise PlanError(
                f"a component is not fetched from {shown(newurl)}: another machine sends there",
                hint="download it and name the file",
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _download(url: str) -> bytes:
    if not allowed(url):
        raise refusal(url)
    opener = urllib.request.build_opener(_OnlyAllowed)
    try:
        with opener.open(url, timeout=TIMEOUT) as response:
            data = _read(response, url)
    except (OSError, HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        status = f"{error.code} " if isinstance(error, urllib.error.HTTPError) else ""
        raise PlanError(
            f"can't fetch {shown(url)}: {status}{reason}",
            hint="check the URL and the network, or download it and name the file",
        ) from None
    if len(data) > MOST:
        raise PlanError(f"{shown(url)} is larger than {MOST >> 20} MiB")
    return data


def _read(response: HTTPResponse, url: str) -> bytes:
    deadline = time.monotonic() + LONGEST
    data = bytearray()
    while len(data) <= MOST and (some := response.read1(1 << 16)):
        data += some
        if time.monotonic() > deadline:
            raise PlanError(
                f"fetching {shown(url)} took longer than {LONGEST:g} s",
                hint="download it and name the file",
            )
    return bytes(data)


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
