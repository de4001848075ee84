"""A board on a web page, which hears of each change by server-sent events."""

import json
import queue
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from paddock.errors import CapabilityError
from paddock.types import Err

PAGE = """<!doctype html><meta charset="utf-8"><title>Board</title>
<style>
  body { font: 16px system-ui; background: #1b3b2f; color: #cfe8dc; text-align: center }
  i { display: inline-block; width: 3em; height: 3em; margin: 1em; border-radius: 50%;
      background: #10241d; transition: background .05s; line-height: 3em; font-style: normal }
  i.on { background: #ff5a36; color: #fff; box-shadow: 0 0 2em #ff5a36 }
</style>
<h1>Board</h1><div id="pins"></div>
<script>
  const pins = document.getElementById("pins");
  new EventSource("/events").onmessage = ({ data }) => {
    pins.replaceChildren(...JSON.parse(data).map((on, number) => {
      const pin = document.createElement("i");
      pin.className = on ? "on" : "";
      pin.textContent = number;
      return pin;
    }));
  };
</script>
"""

#: Pages that may look at once, and changes that one may lag behind before it is let go.
MOST_PAGES = 100
BEHIND = 1000


class WebBoard:
    """`type = "web"`; the page is served on `host` and `port`."""

    def __init__(self, port: int = 3080, host: str = "127.0.0.1", pins: int = 8) -> None:
        self._pins = [False] * pins
        self._lock = threading.Lock()
        self._pages: list[queue.Queue[str | None]] = []
        try:
            self._server = _Server((host, port), self)
        except OSError as error:
            raise CapabilityError(
                f"the board's page can't be served on {host}:{port}: {error.strerror}",
                hint="choose another `port` in the host configuration",
            ) from error
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()

    def set(self, pin: int, high: bool) -> None:
        self._check(pin)
        with self._lock:
            self._pins[pin] = high
            state = json.dumps(self._pins)
            for page in [*self._pages]:
                try:
                    page.put_nowait(state)
                except queue.Full:
                    self._pages.remove(page)

    def get(self, pin: int) -> bool:
        self._check(pin)
        return self._pins[pin]

    def _check(self, pin: int) -> None:
        if pin >= len(self._pins):
            raise Err(f"this board has {len(self._pins)} pins, and {pin} is none of them")

    def _join(self) -> "queue.Queue[str | None] | None":
        with self._lock:
            if len(self._pages) >= MOST_PAGES:
                return None
            page: queue.Queue[str | None] = queue.Queue(BEHIND)
            page.put_nowait(json.dumps(self._pins))
            self._pages.append(page)
            return page

    def _leave(self, page: "queue.Queue[str | None]") -> None:
        with self._lock:
            if page in self._pages:
                self._pages.remove(page)

    def __paddock_close__(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        with self._lock:
            pages, self._pages = self._pages, []
        for page in pages:
            # One that is full is let go when its client has read on.
            if not page.full():
                page.put_nowait(None)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # The successor of a host that is upgraded listens beside it for a moment.
    allow_reuse_port = True

    def __init__(self, address: tuple[str, int], board: WebBoard) -> None:
        self.board = board
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        if self.path == "/events":
            self._events()
        elif self.path == "/":
            self._answer("text/html; charset=utf-8", PAGE.encode())
        else:
            self.send_error(404)

    def _answer(self, content_type: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _events(self) -> None:
        page = self.server.board._join()
        if page is None:
            self.send_error(503)
            return
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("cache-control", "no-store")
        self.end_headers()
        try:
            while (state := page.get()) is not None:
                self.wfile.write(f"data: {state}\n\n".encode())
                self.wfile.flush()
        except OSError:
            pass  # the page was closed
        finally:
            self.server.board._leave(page)

    def log_message(self, format: str, *args: object) -> None:
        """Requests for the page are nobody's news."""
