"""The life of `paddock up` and `paddock serve`: from a manifest to a drained end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from paddock.errors import HostError, PaddockError
from paddock.host import audit, handover, listen, logs, sources
from paddock.host.admin import AdminServer
from paddock.host.announce import announce, announce_audit
from paddock.host.control import ControlServer, Handler, tell
from paddock.host.desired import Desired, DesiredApplication
from paddock.host.host import Host
from paddock.host.metrics import exported, exposition, gathered
from paddock.host.metrics_export import MetricsExport, wanted
from paddock.host.state import private_directory, state_directory
from paddock.host.stopping import on_signals, unless_stopped
from paddock.host.up_options import UpOptions
from paddock.manifest.hostconfig import HostConfig

if TYPE_CHECKING:
    import tempfile

LOG = logging.getLogger("paddock.host")


async def serve_application(options: UpOptions) -> int:
    """Serve until a signal or `paddock stop`; the exit code."""
    return await _Service(options).run()


class _Service:
    def __init__(self, options: UpOptions) -> None:
        self._options = options
        self._stop = asyncio.Event()
        self._listener: socket.socket | None = None
        self._tls = False
        #: The configuration that an apply named; before that the option's.
        self._config_asked: Path | None = None
        self._succeeded = False
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self._audit = audit.Audit() if options.audit else None
        self._admin = AdminServer(self._not_ready, lambda: exposition(gathered(self._host)))
        self._export = MetricsExport(
            lambda: exported(gathered(self._host), self._host.started, time.time())
        )

    async def run(self) -> int:
        options = self._options
        from paddock.manifest.reader import find

        inherited = options.inherited
        manifest = self._manifest = (inherited and inherited.manifest) or Path(
            os.path.abspath(find(options.manifest))
        )
        self._config_asked = inherited.config if inherited else None
        configuration = sources.configuration(self._config_asked or options.config)
        state_dir = self._state = (inherited and inherited.state_dir) or self._state_dir(
            manifest, configuration
        )
        directory = options.log_dir or configuration.log_dir
        logs.set_up(logs.LogOptions(options.json, options.quiet, directory))
        desired = self._desired(configuration)
        on_signals(self._stop)
        host = self._host = Host(
            state_dir,
            options.engine,
            on_events=self._audit.reporting(logs.report) if self._audit else logs.report,
            on_exit=self._stop.set,
            audit=self._audit,
        )
        control = ControlServer(state_dir, self._operations())
        try:
            self._listener = self._listening()
            host.successor = options.inherited is not None
            # A source of variables may be waited for.
            if await unless_stopped(host.apply(desired), self._stop):
                await self._export.follow(configuration, self._state, strict=True)
                await self._begin(control, configuration)
                await self._until_stopped()
        finally:
            await control.close()
            code = await self._end(configuration)
        return code

    async def _begin(self, control: ControlServer, configuration: HostConfig) -> None:
        """Take requests, and say so."""
        assert self._listener is not None
        inherited, bare = self._options.inherited, self._options.bare
        if inherited is None:
            # Before the first request is taken: another host with this state
            # directory refuses this one.
            await control.start()
        self._accept(configuration)
        if inherited is not None:
            # Only now: should this process fail, the old one goes on.
            await control.start(replace=True)
        if place := self._options.admin_listen or configuration.admin_listen:
            LOG.info("health and metrics: %s", await self._admin.start(place))
        announce(listen.url(self._listener, tls=self._tls), self._host.desired, bare=bare)
        if inherited is not None:
            inherited.serving()

    def _not_ready(self) -> str | None:
        return "the host is stopping" if self._stop.is_set() else None

    def _state_dir(self, manifest: Path, configuration: HostConfig) -> Path:
        chosen = self._options.state_dir or configuration.state_dir
        if chosen is None and self._options.bare:
            # A bare component keeps nothing, and several may be served from one place.
            import tempfile

            self._scratch = tempfile.TemporaryDirectory(prefix="paddock-")
            chosen = Path(self._scratch.name)
        return private_directory(state_directory(manifest, chosen))

    def _desired(self, configuration: HostConfig) -> Desired:
        application = self._options.application or sources.application(
            self._manifest, self._options.engine.cache_dir, self._options.profile
        )
        configuration = sources.with_own(configuration, application)
        # Before anything is done: a table of it that can't be used refuses the plan.
        wanted(configuration, self._state)
        chosen = DesiredApplication(application, self._options.overrides, self._options.bare)
        return Desired((chosen,), configuration)

    def _listening(self) -> socket.socket:
        if inherited := self._options.inherited:
            return socket.socket(fileno=inherited.listeners[0])
        return listen.bind(listen.parse_address(self._options.listen))

    def _accept(self, configuration: HostConfig) -> None:
        assert self._listener is not None and self._host.server is not None
        tls = self._options.tls
        if tls is None and configuration.tls is not None:
            tls = (configuration.tls.certificate, configuration.tls.key)
        self._tls = tls is not None
        if tls is not None:
            self._host.server.tls(sources.pem(tls[0]), sources.pem(tls[1]))
        # The core gets a descriptor of its own; this one is kept for a successor.
        self._host.server.listen(os.dup(self._listener.fileno()))

    async def _until_stopped(self) -> None:
        if not self._options.watch:
            await self._stop.wait()
            return
        from paddock.host.watch import watch

        watching = asyncio.create_task(
            watch(lambda: self._host.desired, self._reapply, self._manifest, self._options.config)
        )
        try:
            await self._stop.wait()
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching

    async def _reapply(self) -> None:
        """Read manifest and configuration again and apply them; logs what is wrong."""
        try:
            config = self._config_asked or self._options.config
            desired = self._desired(sources.configuration(config))
            applied = await self._host.apply(desired)
            await self._export.follow(desired.configuration, self._state)
        except PaddockError as error:
            LOG.error("not applied, the old version goes on serving:\n%s", error)
            return
        except Exception:
            # A flaw of ours must not end the watch.
            LOG.exception("not applied, the old version goes on serving")
            return
        if not applied.plan.changes:
            LOG.info("nothing changed")

    def _operations(self) -> Mapping[str, Handler]:
        return {
            "status": self._status,
            "plan": self._plan,
            "apply": self._apply,
            "audit": self._audited,
            "stop": self._ask_stop,
            "upgrade": self._upgrade,
        }

    async def _status(self, request: Mapping[str, object]) -> object:
        del request
        from paddock import __version__

        assert self._listener is not None
        return {
            "pid": os.getpid(),
            "version": __version__,
            "url": listen.url(self._listener, tls=self._tls),
            **self._host.status(),
        }

    async def _audited(self, request: Mapping[str, object]) -> object:
        del request
        if self._audit is None:
            raise HostError("this host records no grants", hint="start it with: paddock up --audit")
        return {"components": self._audit.report()}

    def _asked(self, request: Mapping[str, object]) -> Desired:
        config, manifest = request.get("config"), request.get("manifest")
        if isinstance(config, str):
            self._config_asked = Path(config)
        configuration = sources.configuration(self._config_asked or self._options.config)
        if isinstance(manifest, str):
            from paddock.manifest.reader import find

            self._manifest = Path(os.path.abspath(find(Path(manifest))))
        return self._desired(configuration)

    async def _plan(self, request: Mapping[str, object]) -> object:
        kept = self._manifest, self._config_asked
        try:
            return (await self._host.plan(self._asked(request))).to_json()
        finally:
            self._manifest, self._config_asked = kept

    async def _apply(self, request: Mapping[str, object]) -> object:
        expected = request.get("expected")
        kept = self._manifest, self._config_asked
        try:
            desired = self._asked(request)
            applied = await self._host.apply(
                desired,
                expected=expected if isinstance(expected, int) else None,
                tell=tell,
            )
        except BaseException:
            self._manifest, self._config_asked = kept
            raise
        await self._export.follow(desired.configuration, self._state)
        return applied.to_json()

    async def _ask_stop(self, request: Mapping[str, object]) -> object:
        del request
        self._stop.set()
        return {"pid": os.getpid()}

    async def _upgrade(self, request: Mapping[str, object]) -> object:
        assert self._listener is not None and self._host.server is not None
        python = request.get("python")
        pid = await handover.start_successor(
            (self._listener.fileno(),),
            self._options.arguments,
            python if isinstance(python, str) else None,
            {"manifest": self._manifest, "config": self._config_asked, "state_dir": self._state},
        )
        self._host.server.pause()
        self._host.server.lame_duck(True)
        self._succeeded = True
        LOG.info("process %d serves now; this one finishes its requests", pid)
        asyncio.get_running_loop().call_soon(self._stop.set)
        return {"pid": pid}

    async def _end(self, configuration: HostConfig) -> int:
        if self._succeeded:
            await handover.clients_leave(self._host.server)
        if self._listener is not None:
            # Now, so that clients who connect while the rest drains are refused
            # at once and don't wait in a queue that nobody serves.
            self._listener.close()
        drained = self._host.stop(configuration.limits.drain)
        left, _ = await asyncio.gather(drained, self._export.close())
        await self._admin.close()
        if self._scratch is not None:
            self._scratch.cleanup()
        if self._audit is not None:
            announce_audit(self._audit.report())
        if left:
            LOG.warning("%d requests were cut off after %g s", left, configuration.limits.drain)
        return 0
