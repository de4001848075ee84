"""The blob store in files: the shipped suite, other processes, odd folders, sudden death."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from paddock.capabilities.blob import BlobStore, collected
from paddock.errors import CapabilityError, NotFound
from paddock.providers.blob.filesystem import FilesystemBlob, FilesystemConfig, FilesystemStore
from paddock.providers.options import OptionError
from paddock.testing.blob import BlobSuite, Requirements


def opened(folder: Path, application: str = "app") -> FilesystemStore:
    return FilesystemBlob.open(
        FilesystemConfig(str(folder)), application=application, name="default", state_dir=folder
    )


def write(store: FilesystemStore, name: str, data: bytes) -> None:
    upload = store.upload("box", name)()
    upload.write(data)()
    upload.finish()()


def read(store: FilesystemStore, name: str) -> bytes:
    return asyncio.run(collected(store.read("box", name)()))


class TestFilesystem(BlobSuite):
    requirements = Requirements(persistent=True)
    config = FilesystemConfig()

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    def make_store(self, name: str) -> BlobStore:
        return FilesystemBlob.open(
            self.config, application=name, name="default", state_dir=self.folder
        )


class TestFilesystemWithFullSync(TestFilesystem):
    config = FilesystemConfig(power=True)


@pytest.mark.parametrize(
    "name", ["../../out", "/etc/passwd", "..", ".", "a/../../../b", "..\\..\\x"]
)
def test_no_name_leads_out_of_its_container(tmp_path: Path, name: str) -> None:
    store = opened(tmp_path / "store")
    store.create_container(name)()
    store.create_container("box")()
    write(store, name, b"value")
    outside = [path for path in tmp_path.rglob("*") if path.is_file()]
    containers = tmp_path / "store" / "app"
    assert all(path.parent.parent == containers for path in outside)
    assert read(store, name) == b"value"
    store.delete("box", name)()
    store.delete_container(name)()
    assert (tmp_path / "store").is_dir()


def test_a_link_that_leads_elsewhere_is_not_followed_by_making_names(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.create_container("box")()
    write(store, "thing", b"value")
    file = tmp_path / "app" / "box" / "thing"
    target = tmp_path / "elsewhere"
    target.write_bytes(b"not mine")
    file.unlink()
    file.symlink_to(target)
    write(store, "thing", b"new")
    assert target.read_bytes() == b"not mine"
    assert not file.is_symlink()


def test_files_that_were_put_there_by_hand_are_objects(tmp_path: Path) -> None:
    folder = tmp_path / "app" / "box"
    folder.mkdir(parents=True)
    (folder / "photo 1.png").write_bytes(b"png")
    (folder / ".hidden").write_bytes(b"")
    (folder / "odd%2fspelling").write_bytes(b"")
    (folder / "folder").mkdir()
    store = opened(tmp_path)
    assert store.has_container("box")() is True
    assert store.container_info("box")().created > 0
    assert store.objects("box")().names == ["photo 1.png"]
    assert read(store, "photo 1.png") == b"png"
    assert store.has_object("box", "folder")() is False
    with pytest.raises(CapabilityError):
        write(store, "folder", b"x")
    store.clear("box")()
    assert store.objects("box")().names == []
    assert (folder / "folder").is_dir()


def test_applications_share_nothing(tmp_path: Path) -> None:
    one, other = opened(tmp_path, "one"), opened(tmp_path, "../one")
    one.create_container("box")()
    write(one, "thing", b"value")
    assert other.containers()().names == []
    with pytest.raises(NotFound):
        other.read("box", "thing")()


DYING = """
import sys
from pathlib import Path
from paddock.providers.blob.filesystem import FilesystemConfig, FilesystemBlob

store = FilesystemBlob.open(
    FilesystemConfig(sys.argv[1]), application="app", name="default", state_dir=Path(sys.argv[1])
)
while True:
    for letter in b"ab":
        upload = store.upload("box", "thing")()
        for _ in range(64):
            upload.write(bytes([letter]) * 65536)()
        upload.finish()()
        print(chr(letter), flush=True)
"""


def test_a_killed_writer_leaves_a_whole_object(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.create_container("box")()
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", DYING, str(tmp_path)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert process.stdout is not None
        with process:
            for _ in range(3):
                process.stdout.readline()
            process.send_signal(signal.SIGKILL)
        assert read(store, "thing") in (b"a" * (64 * 65536), b"b" * (64 * 65536))
        assert store.objects("box")().names == ["thing"]


def test_what_a_dead_process_left_is_removed_after_a_day(tmp_path: Path) -> None:
    opened(tmp_path)
    old, young = (tmp_path / ".uploads" / name for name in ("old", "young"))
    folder = tmp_path / ".uploads" / "old-container"
    folder.mkdir()
    for each in (old, young):
        each.write_bytes(b"")
    for each in (old, folder):
        os.utime(each, (time.time() - 2 * 86400,) * 2)
    opened(tmp_path)
    assert [each.name for each in (tmp_path / ".uploads").iterdir()] == ["young"]


def test_an_upload_that_is_forgotten_leaves_no_file(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.create_container("box")()
    upload = store.upload("box", "thing")()
    upload.write(b"half")()
    del upload
    assert list((tmp_path / ".uploads").iterdir()) == []


def test_files_are_private(tmp_path: Path) -> None:
    store = opened(tmp_path / "new")
    store.create_container("box")()
    write(store, "thing", b"value")
    assert (tmp_path / "new" / "app" / "box" / "thing").stat().st_mode & 0o777 == 0o600


def test_readers_that_stop_half_way_leave_no_file_open(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.create_container("box")()
    write(store, "thing", b"x" * (1 << 20))

    async def half() -> None:
        download = await asyncio.to_thread(store.read("box", "thing"))
        async for _ in download.chunks:  # type: ignore[union-attr]
            return

    for _ in range(5):
        asyncio.run(half())
        store.read("box", "thing")()
    links = [os.path.realpath(f"/proc/self/fd/{each}") for each in os.listdir("/proc/self/fd")]
    assert not any(link.startswith(str(tmp_path)) for link in links)


def test_a_folder_that_can_not_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(CapabilityError, match="can't be used"):
        opened(tmp_path / "file" / "below")


def test_options_are_checked() -> None:
    read = FilesystemConfig.from_table
    assert read({"type": "filesystem"}, Path("/etc")) == FilesystemConfig()
    assert read({"path": "a"}, Path("/etc")) == FilesystemConfig("/etc/a")
    assert read({"path": "/a", "durability": "power"}) == FilesystemConfig("/a", power=True)
    for table, key in (
        ({"path": ""}, "path"),
        ({"path": 1}, "path"),
        ({"durability": "no"}, "durability"),
        ({"bucket": "x"}, "bucket"),
    ):
        with pytest.raises(OptionError) as raised:
            read(table)
        assert raised.value.key == key
