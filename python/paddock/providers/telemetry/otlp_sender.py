"""Posts a request to a collector, and again where OTLP/HTTP says that it may be tried again."""

from __future__ import annotations

import gzip
import random
import ssl
import threading
import time
import urllib.error
import urllib.request
from urllib.parse import urlsplit

from paddock.errors import CapabilityError, Unavailable
from paddock.providers.telemetry.otlp_config import OtlpConfig

#: Answers after which the same request may be sent again (OTLP/HTTP, "Retryable Response Codes").
AGAIN = (429, 502, 503, 504)

#: Seconds before a second attempt, and at most before any.
FIRST, LONGEST = 0.2, 5.0


class Sender:
    """Belongs to one thread, but for `close`."""

    def __init__(self, config: OtlpConfig) -> None:
        self._config = config
        self._ended = threading.Event()
        context = ssl.create_default_context(cafile=config.certificate)
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=context), _NoRedirect()
        )

    def post(self, url: str, body: bytes) -> None:
        """Raises CapabilityError when the time is over, or the request is refused."""
        deadline = time.monotonic() + self._config.timeout
        pause = FIRST
        while True:
            try:
                return self._once(url, body, max(deadline - time.monotonic(), 0.05))
            except Unavailable as error:
                wait = max(pause * random.uniform(0.5, 1.0), _asked(error))
                if time.monotonic() + wait >= deadline or self._ended.wait(wait):
                    raise
                pause = min(pause * 2, LONGEST)

    def close(self) -> None:
        """No more attempts."""
        self._ended.set()

    def _once(self, url: str, body: bytes, timeout: float) -> None:
        headers = {"Content-Type": "application/x-protobuf", "User-Agent": "paddock"}
        headers |= dict(self._config.headers)
        if self._config.gzip:
            body = gzip.compress(body, 5)
            headers["Content-Encoding"] = "gzip"
        request = urllib.request.Request(url, body, headers, method="POST")
        where = f"the collector at {urlsplit(url).netloc}"
        try:
            with self._opener.open(request, timeout=timeout) as answer:
                answer.read(65536)
        except urllib.error.HTTPError as error:
            with error:
                kind = Unavailable if error.code in AGAIN else CapabilityError
                raise kind(f"{where} answered {error.code} {error.reason}") from error
        except (OSError, urllib.error.URLError, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            raise Unavailable(f"{where} can't be reached: {reason}") from error


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Headers may hold a token, which belongs to nobody else."""

    def redirect_request(self, *_: object) -> None:
        return None


def _asked(error: Unavailable) -> float:
    """Seconds that the collector asked to be left alone for."""
    cause = error.__cause__
    if isinstance(cause, urllib.error.HTTPError):
        text = cause.headers.get("Retry-After") or ""
        return float(text) if text.isdigit() else 0.0
    return 0.0
