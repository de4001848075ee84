"""An S3 server (versitygw on a directory) that checks signatures, with one bucket."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from tests.services.process import hand_over
from tests.services.server import HOST, Server, program


class S3Server(Server):
    """`user` is the access key, `password` the secret key; URLs have the bucket in their path.

    `full`: from its next start no object grows beyond 100 KiB, as if the disk ended there.
    """

    name = "s3"
    full = False
    region = "us-east-1"
    bucket = "paddock-tests"

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def prepare(self) -> None:
        for path in (self.data, self.data / self.bucket, self.directory / "metadata"):
            path.mkdir()
            hand_over(path)

    @property
    def data(self) -> Path:
        """Buckets are directories here, objects files."""
        return self.directory / "data"

    def command(self) -> Sequence[str]:
        secrets = ["--access", self.user, "--secret", self._accepted]
        gateway = [program("versitygw"), "--port", f"{HOST}:{self.port}", *secrets]
        command = [*gateway, "--region", self.region, "--keep-alive", "posix", *self._metadata()]
        # In blocks of 512 bytes.
        limit = ["sh", "-c", 'ulimit -f 200; exec "$@"', "sh"]
        return [*limit, *command] if self.full else command

    def _metadata(self) -> list[str]:
        """Metadata are extended attributes; in files where the file system has none."""
        try:
            os.setxattr(self.data, "user.paddock", b"1")
        except (AttributeError, OSError):
            return ["--sidecar", str(self.directory / "metadata"), str(self.data)]
        return [str(self.data)]

    def answers(self) -> bool:
        """Whoever does not sign is forbidden to list the buckets."""
        request = f"GET / HTTP/1.1\r\nHost: {HOST}:{self.port}\r\nConnection: close\r\n\r\n"
        with self.connect() as connection:
            connection.sendall(request.encode())
            return connection.recv(12).endswith(b" 403")

    def refuse_authentication(self) -> None:
        """Restarts with another secret key. `accept_authentication` undoes it."""
        self._exchange(f"not-{self.password}")

    def accept_authentication(self) -> None:
        self._exchange(self.password)

    def _exchange(self, password: str) -> None:
        self._accepted = password
        self.restart()
