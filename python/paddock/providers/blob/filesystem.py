"""A blob store in a folder: a folder for each container, a file for each object.

    <path>/<application>/<container>/<object>
    <path>/.uploads/…     what is being written, or being removed

A file gets to its place by renaming, which is atomic: whoever opens it before
goes on reading the old bytes. All work is done on the host's pool of threads,
since a folder may be on a network.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from paddock.capabilities.blob import (
    PAGE,
    ContainerInfo,
    Download,
    NamePage,
    ObjectId,
    ObjectInfo,
    checked,
    sorted_page,
)
from paddock.errors import NotFound
from paddock.providers.blob import file_names
from paddock.providers.blob.files import FileUpload, download, failure, synced, writing
from paddock.providers.options import OptionError, Options
from paddock.types import Deferred, blocking

#: Seconds after which what a dead process left unfinished is removed.
STALE = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class FilesystemConfig:
    """`path`: the folder, absolute; None is `blobs` in the state directory.

    `power`: whether what was written survives a power cut, not only the process.
    """

    path: str | None = None
    power: bool = False

    @classmethod
    def from_table(
        cls, options: Mapping[str, object], base: Path | None = None
    ) -> FilesystemConfig:
        """Read a `[blob_store.X]` table."""
        table = Options(options, "a blob store in files")
        path = table.text("path")
        power = table.choice("durability", ("process", "power")) == "power"
        table.done()
        if path == "":
            raise OptionError("path", "a blob store in files: `path` is empty")
        if path is not None and base is not None:
            path = os.path.normpath(base / path)
        return cls(path, power)


class FilesystemStore:
    """The contract is `paddock.capabilities.blob.BlobStore`."""

    def __init__(self, folder: Path, application: str, *, power: bool = False) -> None:
        self._home = folder / file_names.encoded(application)
        self._place = f"{self._home}{os.sep}"
        self._uploads = folder / ".uploads"
        self._power = power
        with _failing(f"the folder {folder}"):
            for each in (self._home, self._uploads):
                each.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._sweep()

    @blocking
    def create_container(self, name: str, /) -> bool:
        """The folder appears at once with its mark, so two makers can't both succeed."""
        target = self._home / _file(name, "a container")
        with _failing(f"the container {name!r}"):
            if target.is_dir():
                return False
            fresh = self._aside()
            fresh.mkdir(mode=0o700)
            (fresh / file_names.MARK).write_text(name, encoding="utf-8")
            try:
                fresh.rename(target)
            except OSError:
                shutil.rmtree(fresh, ignore_errors=True)
                if target.is_dir():
                    return False
                raise
            self._sync(self._home)
            return True

    @blocking
    def delete_container(self, name: str, /) -> None:
        """It disappears at once; the files are removed afterwards."""
        gone = self._aside()
        with _failing(f"the container {name!r}"):
            try:
                (self._home / _file(name, "a container")).rename(gone)
            except FileNotFoundError:
                return
            self._sync(self._home)
            shutil.rmtree(gone, ignore_errors=True)

    @blocking
    def has_container(self, name: str, /) -> bool:
        """See the contract."""
        return (self._home / _file(name, "a container")).is_dir()

    @blocking
    def container_info(self, name: str, /) -> ContainerInfo:
        """A folder that was made by hand has the time of its last change."""
        folder = self._folder(name)
        with contextlib.suppress(OSError):
            return ContainerInfo(name, (folder / file_names.MARK).stat().st_mtime_ns)
        return ContainerInfo(name, folder.stat().st_mtime_ns)

    @blocking
    def containers(self, cursor: str | None = None, /, limit: int = PAGE) -> NamePage:
        """Sorted."""
        with _failing("the containers"):
            return sorted_page(file_names.names_in(self._home, folders=True), cursor, limit)

    @blocking
    def objects(self, container: str, cursor: str | None = None, /, limit: int = PAGE) -> NamePage:
        """Sorted; the cursor is the last name of the page before. Each page reads the folder."""
        folder = self._folder(container)
        with _failing(f"the container {container!r}"):
            return sorted_page(file_names.names_in(folder, folders=False), cursor, limit)

    @blocking
    def clear(self, container: str, /) -> None:
        """File by file."""
        folder = self._folder(container)
        with _failing(f"the container {container!r}"), os.scandir(folder) as entries:
            for entry in entries:
                if entry.name != file_names.MARK and entry.is_file():
                    Path(entry.path).unlink(missing_ok=True)
            self._sync(folder)

    @blocking
    def has_object(self, container: str, name: str, /) -> bool:
        """See the contract."""
        return os.path.isfile(self._path(container, name))

    @blocking
    def object_info(self, container: str, name: str, /) -> ObjectInfo:
        """See the contract."""
        with self._object(container, name):
            found = os.stat(self._path(container, name))
            return ObjectInfo(container, name, found.st_size, found.st_mtime_ns)

    @blocking
    def read(
        self, container: str, name: str, start: int = 0, end: int | None = None, /
    ) -> Download:
        """The file as it is now, even if it is replaced or removed meanwhile."""
        with self._object(container, name):
            return download(self._path(container, name), start, end)

    @blocking
    def upload(self, container: str, name: str, /) -> FileUpload:
        """A file aside, which is renamed at the end."""
        self._folder(container)
        target = Path(self._path(container, name))
        with _failing(f"the object {name!r}"):
            return FileUpload(self._aside(), target, name, power=self._power)

    def delete(self, container: str, name: str, /) -> Deferred[None]:
        """See the contract."""
        return self.delete_many(container, (name,))

    @blocking
    def delete_many(self, container: str, names: Sequence[str], /) -> None:
        """One by one."""
        folder = self._folder(container)
        with _failing(f"the container {container!r}"):
            for name in names:
                (folder / _file(name, "an object")).unlink(missing_ok=True)
            self._sync(folder)

    @blocking
    def copy(self, source: ObjectId, target: ObjectId, /) -> None:
        """The copy is made aside and renamed."""
        folder = self._folder(target.container)
        with self._object(source.container, source.name):
            origin = Path(self._path(source.container, source.name))
            place = folder / _file(target.name, "an object")
            if origin == place:
                origin.stat()
                return
            aside = self._aside()
            try:
                shutil.copyfile(origin, aside)
                if self._power:
                    synced(aside)
                writing(aside, place, target.name)
            finally:
                aside.unlink(missing_ok=True)
            self._sync(folder)

    @blocking
    def move(self, source: ObjectId, target: ObjectId, /) -> None:
        """Atomic."""
        folder = self._folder(target.container)
        with self._object(source.container, source.name):
            origin = Path(self._path(source.container, source.name))
            place = folder / _file(target.name, "an object")
            if origin == place:
                origin.stat()
                return
            writing(origin, place, target.name)
            self._sync(folder)

    def close(self) -> None:
        """No file stays open between calls."""

    def _path(self, container: str, name: str) -> str:
        # Texts, since pathlib would take a third of the time of a small read.
        return f"{self._place}{_file(container, 'a container')}{os.sep}{_file(name, 'an object')}"

    def _folder(self, container: str) -> Path:
        folder = self._home / _file(container, "a container")
        if not folder.is_dir():
            raise NotFound(f"there is no container {container!r}")
        return folder

    def _aside(self) -> Path:
        return self._uploads / f"{os.getpid()}-{uuid.uuid4().hex}"

    def _sync(self, folder: Path) -> None:
        if self._power:
            synced(folder)

    def _sweep(self) -> None:
        before = time.time() - STALE
        for each in self._uploads.iterdir():
            with contextlib.suppress(OSError):
                if each.stat().st_mtime >= before:
                    continue
                if each.is_dir():
                    shutil.rmtree(each, ignore_errors=True)
                else:
                    each.unlink()

    @contextlib.contextmanager
    def _object(self, container: str, name: str) -> Iterator[None]:
        with _failing(f"the object {name!r} of the container {container!r}"):
            try:
                yield
            except FileNotFoundError as error:
                raise NotFound(
                    f"there is no object {name!r} in the container {container!r}"
                ) from error


class FilesystemBlob:
    """`type = "filesystem"`."""

    Config = FilesystemConfig

    @staticmethod
    def open(config: object, *, application: str, name: str, state_dir: Path) -> FilesystemStore:
        """Stores of one folder share its containers, each application its own."""
        del name
        if not isinstance(config, FilesystemConfig):
            raise TypeError(f"wanted FilesystemConfig, got {type(config).__name__}")
        folder = Path(config.path) if config.path else state_dir / "blobs"
        return FilesystemStore(folder, application, power=config.power)


def _file(name: str, what: str) -> str:
    return file_names.encoded(checked(name, what))


@contextlib.contextmanager
def _failing(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise failure(f"{what} can't be used", error) from error
