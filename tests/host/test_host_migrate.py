"""Migrations of an apply: what is copied, what is refused, what is remembered over restarts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import pytest

from paddock.capabilities.key_value import KeyValueStore
from paddock.errors import HostError, PlanError
from paddock.host.handles import Handle, Handles, Key
from paddock.host.migrate import Migrations, Scene, wanted
from paddock.host.moved import Records, identity
from paddock.manifest.hostconfig import HostConfig, ProviderConfig
from paddock.types import resolve

FILES = ProviderConfig("filesystem", {"path": "files"})
OTHER = ProviderConfig("filesystem", {"path": "other"})
SQLITE = ProviderConfig("sqlite", {"path": "data.db"})
MEMORY = ProviderConfig("memory")


def moved(new: ProviderConfig, old: ProviderConfig | None = None) -> HostConfig:
    """`default` is `new`; with `old`, its data comes from there."""
    if old is None:
        return HostConfig({"key_value_store": {"default": new}})
    options: Mapping[str, object] = {**new.options, "migrate_from": "old"}
    default = ProviderConfig(new.type, cast("dict[str, str]", options))
    return HostConfig({"key_value_store": {"default": default, "old": old}})


class House:
    """A host reduced to its providers: one application with one store."""

    def __init__(self, state_dir: Path, *, successor: bool = False) -> None:
        self.state_dir = state_dir
        self.handles = Handles(state_dir)
        self.held: list[Handle] = []
        self.retired: list[Handle] = []
        self.told: list[str] = []
        self.successor = successor

    async def migrations(self, configuration: HostConfig) -> tuple[Migrations, Handle]:
        key = self.handles.key("app", "key_value", "default", configuration)
        assert key is not None
        target = await self.handles.acquire(key)
        try:
            found = wanted("app", target, self.handles, configuration)
        except BaseException:
            await self.handles.release([target])
            raise
        scene = Scene(
            self.handles, self.state_dir, self.held, [target], self.successor, self.told.append
        )
        return Migrations(scene, [found] if found else []), target

    async def apply(self, configuration: HostConfig) -> list[str]:
        migrations, target = await self.migrations(configuration)
        try:
            await migrations.run()
            await migrations.hold()
        except BaseException:
            migrations.abandon()
            await self.handles.release([target])
            raise
        migrations.commit()
        self.retired += self.held
        self.held = [target]
        return migrations.lines

    async def plan(self, configuration: HostConfig) -> list[str]:
        migrations, target = await self.migrations(configuration)
        try:
            return await migrations.plan()
        finally:
            await self.handles.release([target])

    @property
    def store(self) -> KeyValueStore:
        return cast("KeyValueStore", self.held[0].opened)

    async def restart(self) -> None:
        await self.handles.close()
        self.handles, self.held, self.retired = Handles(self.state_dir), [], []

    async def get(self, key: str = "k") -> bytes | None:
        return await resolve(self.store.get(key))

    async def set(self, value: bytes, key: str = "k") -> None:
        await resolve(self.store.set(key, value))


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


async def test_what_runs_is_copied_and_those_who_began_there_go_on_at_the_new_one(
    house: House,
) -> None:
    await house.apply(moved(SQLITE))
    await house.set(b"1")
    before = house.store
    assert await house.plan(moved(FILES, SQLITE)) == [
        "key-value store 'default' (sqlite -> filesystem): its data is copied while it is used"
    ]
    [line] = await house.apply(moved(FILES, SQLITE))
    assert "1 copied" in line
    assert house.told == ["migrating the key-value store 'default' (sqlite -> filesystem)"]
    assert await house.get() == b"1"
    await resolve(before.set("k", b"2"))
    assert await house.get() == b"2"
    await house.handles.close()


async def test_a_dry_run_copies_and_remembers_nothing(house: House) -> None:
    await house.apply(moved(SQLITE))
    await house.set(b"1")
    await house.plan(moved(FILES, SQLITE))
    assert not (house.state_dir / "migrations.json").exists()
    assert not any((house.state_dir / "files").rglob("k"))
    await house.handles.close()


async def test_a_round_of_three_comes_back_to_where_it_began(house: House) -> None:
    await house.apply(moved(SQLITE))
    for number in range(3):
        await house.set(b"%d" % number)
        for new, old in ((FILES, SQLITE), (OTHER, FILES), (SQLITE, OTHER)):
            await house.set(b"x", f"{number}-{new.options}")
            await house.apply(moved(new, old))
            assert await house.get() == b"%d" % number
    assert len((await resolve(house.store.keys())).keys) == 10
    await house.handles.close()


async def test_a_restart_with_the_same_configuration_copies_nothing_again(house: House) -> None:
    await house.apply(moved(SQLITE))
    await house.set(b"old")
    await house.apply(moved(FILES, SQLITE))
    await house.set(b"new")
    await house.restart()
    assert await house.plan(moved(FILES, SQLITE)) == []
    assert await house.apply(moved(FILES, SQLITE)) == []
    assert await house.get() == b"new"
    # Nor does an apply of something else, while it runs.
    assert await house.apply(moved(FILES, SQLITE)) == []
    await house.handles.close()


async def test_what_does_not_run_is_copied_before_the_start(house: House) -> None:
    await house.apply(moved(SQLITE))
    await house.set(b"old")
    await house.restart()
    assert "copied before it is used" in (await house.plan(moved(FILES, SQLITE)))[0]
    [line] = await house.apply(moved(FILES, SQLITE))
    assert "1 copied" in line
    assert await house.get() == b"old"
    await house.handles.close()


async def test_options_that_say_nothing_of_where_the_data_is_change_nothing(house: House) -> None:
    await house.apply(moved(SQLITE))
    await house.set(b"old")
    await house.apply(moved(FILES, SQLITE))
    await house.set(b"new")
    await house.restart()
    syncing = ProviderConfig("filesystem", {"path": "files", "durability": "power"})
    assert await house.apply(moved(syncing, SQLITE)) == []
    assert await house.get() == b"new"
    with pytest.raises(PlanError, match="the same data"):
        await house.apply(moved(FILES, syncing))
    await house.handles.close()


async def test_a_table_of_the_source_may_have_other_options_than_what_runs(house: House) -> None:
    await house.apply(moved(SQLITE))
    await house.set(b"1")
    before = house.store
    syncing = ProviderConfig("sqlite", {"path": "data.db", "durability": "power"})
    assert "while it is used" in (await house.plan(moved(FILES, syncing)))[0]
    await house.apply(moved(FILES, syncing))
    await resolve(before.set("k", b"2"))
    assert await house.get() == b"2"
    await house.handles.close()


async def test_data_in_the_new_one_refuses_the_migration(house: House) -> None:
    await house.apply(moved(FILES))
    await house.set(b"in files")
    await house.apply(moved(SQLITE))
    await house.set(b"in sqlite")
    for attempt in (house.plan, house.apply):
        with pytest.raises(PlanError, match="holds data already"):
            await attempt(moved(FILES, SQLITE))
    assert await house.get() == b"in sqlite"
    await house.set(b"goes on")
    await house.handles.close()


async def test_data_that_came_without_a_migration_is_no_old_copy(house: House) -> None:
    """To files, back to SQLite by hand, and to files again: what is in SQLite is newer."""
    await house.apply(moved(SQLITE))
    await house.set(b"1")
    await house.apply(moved(FILES, SQLITE))
    await house.set(b"2")
    await house.apply(moved(SQLITE))
    await house.set(b"3")
    # Neither is overwritten: not SQLite, which serves, and not files, which nobody copied.
    with pytest.raises(PlanError, match="holds data already"):
        await house.apply(moved(FILES, SQLITE))
    await house.restart()
    with pytest.raises(PlanError, match="holds data already"):
        await house.apply(moved(FILES, SQLITE))
    assert await house.apply(moved(SQLITE, FILES)) == []
    assert await house.get() == b"3"
    await house.handles.close()


async def test_another_store_than_the_one_that_runs_is_not_the_source(house: House) -> None:
    await house.apply(moved(SQLITE))
    await house.set(b"1")
    with pytest.raises(PlanError, match=r"what runs is another one \(sqlite\)"):
        await house.apply(moved(FILES, MEMORY))
    assert await house.get() == b"1"
    await house.handles.close()


async def test_a_copy_that_failed_can_be_repeated(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    from paddock.host.live.key_value_copy import Copy

    await house.apply(moved(SQLITE))
    for number in range(600):
        await house.set(b"%d" % number, f"{number}")

    async def fail(copy: Copy, keys: object) -> None:
        raise HostError("out of paper")

    with monkeypatch.context() as patch:
        patch.setattr(Copy, "again", fail)
        with pytest.raises(HostError, match="out of paper"):
            await house.apply(moved(FILES, SQLITE))
    await resolve(house.store.delete("5"))
    await house.apply(moved(FILES, SQLITE))
    assert await house.get("5") is None
    assert await house.get("599") == b"599"
    await house.handles.close()


async def test_a_host_that_died_while_it_copied_copies_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.apply(moved(SQLITE))
    await house.set(b"1")
    migrations, _ = await house.migrations(moved(FILES, SQLITE))
    await migrations.run()
    # Nothing more of it: the process is gone.
    await house.set(b"2")
    await house.restart()
    [line] = await house.apply(moved(FILES, SQLITE))
    assert "1 copied" in line
    assert await house.get() == b"2"
    await house.handles.close()


async def test_a_host_that_died_after_the_last_write_was_carried_over_goes_on_at_the_new_one(
    house: House,
) -> None:
    await house.apply(moved(SQLITE))
    await house.set(b"1")
    migrations, _ = await house.migrations(moved(FILES, SQLITE))
    await migrations.run()
    await migrations.hold()
    await house.restart()
    assert await house.apply(moved(FILES, SQLITE)) == []
    assert await house.get() == b"1"
    await house.handles.close()


async def test_a_successor_does_not_copy_what_its_predecessor_still_writes(
    house: House, tmp_path: Path
) -> None:
    await house.apply(moved(SQLITE))
    successor = House(tmp_path, successor=True)
    with pytest.raises(PlanError, match="while another process serves from it") as raised:
        await successor.apply(moved(FILES, SQLITE))
    assert raised.value.hint and "paddock apply" in raised.value.hint
    await house.apply(moved(FILES, SQLITE))
    assert await successor.apply(moved(FILES, SQLITE)) == []
    await house.handles.close()
    await successor.handles.close()


WRONG = [("nowhere", "names 'nowhere'"), (1, "names 1"), ("default", "the same data")]


@pytest.mark.parametrize(("name", "words"), WRONG)
async def test_a_source_that_is_none_is_refused_with_the_table(
    house: House, name: object, words: str
) -> None:
    options = cast("dict[str, str]", {"path": "data.db", "migrate_from": name})
    wrong = moved(ProviderConfig("sqlite", options))
    with pytest.raises(PlanError, match=r"\[key_value_store.default\]: migrate_from") as raised:
        await house.apply(wrong)
    assert words in raised.value.message
    assert raised.value.hint


def key(name: str = "default", type_: str = "redis", **options: str) -> Key:
    from paddock.providers.key_value.redis import RedisConfig

    config = RedisConfig.from_table({"url": "redis://u:hunter2@h", **options})
    return Key("app", "key_value", name, type_, config)


def test_a_provider_is_the_same_data_whatever_its_password_and_timeouts_are() -> None:
    assert identity(key()) == identity(key(timeout="9s", password="hunter3"))
    assert identity(key()) != identity(key(prefix="other"))
    assert identity(key()) != identity(key("other"))
    assert "hunter" not in identity(key())


def test_a_configuration_without_a_place_is_known_by_what_is_chosen_in_it() -> None:
    from paddock.providers.key_value.memory import MemoryConfig

    one = Key("app", "key_value", "default", "memory", MemoryConfig())
    assert identity(one) == identity(Key("app", "key_value", "default", "memory", MemoryConfig()))
    assert identity(one) != identity(Key("app", "key_value", "default", "memory", {"a": 1}))


def test_of_one_name_one_provider_is_current(tmp_path: Path) -> None:
    records, one, two = Records(tmp_path), key(prefix="1"), key(prefix="2")
    records.keep(current=[one], left=[])
    assert records.state(one) is None
    records.keep(current=[two], left=[one])
    assert (records.state(one), records.state(two)) == ("left", "current")
    records.keep(current=[one], left=[])
    assert (records.state(one), records.state(two)) == ("current", "behind")
    records.keep(current=[key("other")], left=[])
    assert records.state(one) == "current"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"a": 1}', "\xff"])
def test_a_damaged_file_is_no_record(tmp_path: Path, text: str) -> None:
    (tmp_path / "migrations.json").write_text(text, encoding="latin-1")
    assert Records(tmp_path).state(key()) is None
    Records(tmp_path).keep(current=[], left=[key()])
    assert json.loads((tmp_path / "migrations.json").read_text()) == {identity(key()): "left"}


def test_records_that_can_not_be_written_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="can't note a migration"):
        Records(tmp_path / "absent").keep(current=[], left=[key()])
