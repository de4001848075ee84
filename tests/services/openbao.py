"""OpenBao, which speaks Vault's HTTP API, with all in memory and unsealed."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping, Sequence

from tests.services.server import HOST, Server, program


class OpenBaoServer(Server):
    """A key-value engine of version 2 is mounted at `secret`; the root token is `password`.

    What was written is lost when it is killed or stopped.
    """

    name = "openbao"

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def command(self) -> Sequence[str]:
        return [
            program("bao"), "server", "-dev", "-dev-no-store-token",
            f"-dev-listen-address={HOST}:{self.port}", f"-dev-root-token-id={self.password}",
        ]  # fmt: skip

    def answers(self) -> bool:
        return self.call("GET", "sys/health")[0] == 200

    def put(self, path: str, fields: Mapping[str, str], mount: str = "secret") -> None:
        """Write a secret; its earlier version is replaced."""
        status, answer = self.call("POST", f"{mount}/data/{path}", {"data": dict(fields)})
        assert status == 200, answer

    def token_for(self, rules: str) -> str:
        """A token with one policy, written in the server's own language."""
        assert self.call("PUT", "sys/policies/acl/tests", {"policy": rules})[0] == 204
        _, answer = self.call("POST", "auth/token/create", {"policies": ["tests"]})
        token: str = json.loads(answer)["auth"]["client_token"]
        return token

    def call(self, method: str, path: str, body: object = None) -> tuple[int, bytes]:
        """One request as root: status and body."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=5)
        try:
            headers = {"X-Vault-Token": self.password}
            connection.request(method, f"/v1/{path}", json.dumps(body) if body else None, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()
