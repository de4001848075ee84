"""Let a running host finish its requests and end.

Returns as soon as the host was told; with --wait, when it has ended.
"""

from __future__ import annotations

import time

from paddock.cli import console, options
from paddock.cli.parser import Parser
from paddock.errors import HostError

#: Seconds that --wait waits: a host drains for less unless configured otherwise.
PATIENCE = 120.0


def configure(parser: Parser) -> None:
    """Add the command's options."""
    options.add_target(parser)
    parser.add_argument("--wait", action="store_true", help="return when the host has ended")


def run(parser: Parser, argv: list[str]) -> int:
    """Ask the host to stop."""
    args = parser.parse(argv)
    from paddock.cli.running import state_dir_of
    from paddock.host.control import request, socket_path

    state_dir = state_dir_of(args.path, args.state_dir)
    answer = request(state_dir, "stop")
    console.say(f"Process {answer.get('pid')} finishes its requests and ends.")
    if not args.wait:
        return 0
    socket = socket_path(state_dir)
    end = time.monotonic() + PATIENCE
    while socket.exists():
        if time.monotonic() > end:
            raise HostError(
                f"process {answer.get('pid')} has not ended within {PATIENCE:g} seconds",
                hint="requests that never end keep it; a second SIGTERM ends it at once",
            )
        time.sleep(0.02)
    return 0
