"""Consuming a stream of Redis as a group: leases by the idle time of pending entries.

Each subscription is a consumer of its own name. What one that died had in hand
is claimed by the others when its lease has run out; one that ends in an orderly
way sets the idle time so that they may at once.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from paddock.capabilities.messaging import Subscription
from paddock.capabilities.subjects import matcher
from paddock.errors import CapabilityError
from paddock.providers.messaging.inflow import Inflow
from paddock.providers.messaging.redis_stream import BLOCK, Reader, entry

if TYPE_CHECKING:
    from paddock.providers.connections.redis import RedisLink
    from paddock.providers.messaging.redis import RedisConfig

#: Seconds between looks for what others left, and between trimmings.
CLAIM = 1.0
TRIM = 10.0
#: Milliseconds of idling after which a group that is not durable, or a consumer
#: without pending entries, has been left behind by a host that died.
ABANDONED = 600_000
#: Begins the names of groups that are not durable.
PASSING = "~"

#: Makes a group unless it is there, and joins it.
JOIN = """
local made = redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[1], ARGV[3], 'MKSTREAM')
if made.err and not string.find(made.err, 'BUSYGROUP') then return made end
return redis.call('XGROUP', 'CREATECONSUMER', KEYS[1], ARGV[1], ARGV[2])
"""

#: Leaves a group with nothing pending; one that is not durable goes with the last.
LEAVE = """
for _, each in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  if each[2] == ARGV[2] and each[4] > 0 then return end
end
redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
if string.sub(ARGV[1], 1, 1) == ARGV[3]
    and #redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1]) == 0 then
  redis.call('XGROUP', 'DESTROY', KEYS[1], ARGV[1])
end
"""

#: Removes what every group has acknowledged, and groups and consumers left behind.
SWEEP = """
local function pairs_of(list)
  local found = {}
  for i = 1, #list, 2 do found[list[i]] = list[i + 1] end
  return found
end
local function before(a, b)
  return a[1] < b[1] or (a[1] == b[1] and a[2] < b[2])
end
local function id(text, next)
  local ms, seq = string.match(text, '^(%d+)-(%d+)$')
  return {tonumber(ms), tonumber(seq) + next}
end
local least
for _, each in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local group = pairs_of(each)
  -- One that is just being joined is used; the last to leave destroys it.
  local used = true
  for _, one in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], group.name)) do
    local consumer = pairs_of(one)
    used = consumer.idle < tonumber(ARGV[1])
    if used then
      break
    elseif consumer.pending == 0 then
      redis.call('XGROUP', 'DELCONSUMER', KEYS[1], group.name, consumer.name)
    end
  end
  if not used and string.sub(group.name, 1, 1) == ARGV[2] then
    redis.call('XGROUP', 'DESTROY', KEYS[1], group.name)
  else
    local mine = id(group['last-delivered-id'], 1)
    if group.pending > 0 then
      mine = id(redis.call('XPENDING', KEYS[1], group.name)[2], 0)
    end
    if least == nil or before(mine, least) then least = mine end
  end
end
if least ~= nil then
  redis.call('XTRIM', KEYS[1], 'MINID', string.format('%.0f-%.0f', least[1], least[2]))
end
"""


class GroupSource:
    """The contract is `paddock.providers.messaging.held.Source`; tokens are ids of entries."""

    returns = True

    def __init__(self, link: RedisLink, config: RedisConfig, subscription: Subscription) -> None:
        self.lease: float | None = config.lease
        self._link = link
        self._stream = config.stream or ""
        self._subscription = subscription
        self._group = _group(subscription)
        self._consumer = secrets.token_hex(8)
        self._matches = matcher(subscription.subjects)
        self._claim_at = self._trim_at = 0.0

    async def run(self, inflow: Inflow) -> None:
        """Read what is new, and now and then claim what others left."""
        reader = await Reader.open(self._link)
        try:
            await self._join()
            inflow.begun()
            while room := await inflow.room():
                await self._sweep()
                claimed = await self._claim(inflow, room)
                if claimed and room - claimed <= 0:
                    continue
                command = self._command(room - claimed, inflow.ending)
                answer: Any = await reader.read(inflow, *command)
                if answer is not None:
                    await self._take(inflow, answer[0][1])
                elif inflow.draining and not claimed and await self._done():
                    return
        finally:
            reader.close()

    async def _join(self) -> None:
        subscription = self._subscription
        everything = subscription.durable and subscription.start == "all"
        start = "0" if everything else "$"
        await self._link.execute("EVAL", JOIN, 1, self._stream, self._group, self._consumer, start)

    def _command(self, room: int, ending: bool) -> Sequence[bytes | str | int]:
        # What others left has to be looked for while nothing new comes.
        block = () if ending else ("BLOCK", min(BLOCK, int(CLAIM * 1000)))
        reader = ("XREADGROUP", "GROUP", self._group, self._consumer, "COUNT", room)
        return (*reader, *block, "STREAMS", self._stream, ">")

    async def _take(
        self, inflow: Inflow, entries: Sequence[Any], attempts: dict[bytes, int] | None = None
    ) -> int:
        others: list[bytes] = []
        taken = 0
        for id, values in entries:
            message = entry(values)
            if self._matches(message.subject):
                taken += 1
                inflow.offer(message, id, attempt=(attempts or {}).get(id, 1))
            else:
                others.append(id)
        if others:
            await self._link.execute("XACK", self._stream, self._group, *others)
        return taken

    async def _claim(self, inflow: Inflow, room: int) -> int:
        now = asyncio.get_running_loop().time()
        if now < self._claim_at and not inflow.draining:
            return 0
        self._claim_at = now + CLAIM
        lease = int((self.lease or 0) * 1000)
        pending: Any = await self._link.execute(
            "XPENDING", self._stream, self._group, "IDLE", lease, "-", "+", room
        )
        idle = inflow.idle()
        if own := [id for id, *_ in pending if id in idle]:
            # It waits here for its turn, and is nobody else's.
            await self._touch(own, 0)
            pending = [each for each in pending if each[0] not in idle]
        if not pending:
            return 0
        attempts = {id: int(count) + 1 for id, _, _, count in pending}
        entries: Any = await self._link.execute(
            "XCLAIM", self._stream, self._group, self._consumer, lease, *attempts
        )
        # Entries that are gone from the stream come as nothing.
        return await self._take(inflow, [each for each in entries if each], attempts)

    async def _done(self) -> bool:
        """Whether nobody else of the group has anything in hand that might come here."""
        summary: Any = await self._link.execute("XPENDING", self._stream, self._group)
        others = [name for name, _ in summary[3] or () if name.decode() != self._consumer]
        if others:
            await asyncio.sleep(CLAIM / 5)
        return not others

    async def _sweep(self) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._trim_at:
            self._trim_at = now + TRIM
            await self._link.execute("EVAL", SWEEP, 1, self._stream, ABANDONED, PASSING)

    async def ack(self, token: object) -> None:
        """See the contract."""
        await self._link.execute("XACK", self._stream, self._group, cast("bytes", token))

    async def extend(self, token: object) -> None:
        """See the contract."""
        await self._touch([token], 0)

    async def release(self, given: Sequence[tuple[object, int]]) -> None:
        """See the contract; Redis keeps how often each was handed out."""
        by_tries: dict[int, list[object]] = {}
        for token, tries in given:
            by_tries.setdefault(tries, []).append(token)
        idle = int((self.lease or 0) * 1000) + 1
        for tries, tokens in by_tries.items():
            await self._touch(tokens, idle, "RETRYCOUNT", tries)

    async def _touch(self, tokens: Sequence[object], idle: int, *more: str | int) -> None:
        ids = cast("Sequence[bytes]", tokens)
        head = ("XCLAIM", self._stream, self._group, self._consumer, 0)
        await self._link.execute(*head, *ids, "IDLE", idle, *more, "JUSTID")

    async def close(self) -> None:
        """A consumer with nothing pending goes; what is pending needs its name until claimed."""
        try:
            await self._link.execute(
                "EVAL", LEAVE, 1, self._stream, self._group, self._consumer, PASSING
            )
        except CapabilityError:
            return


def _group(subscription: Subscription) -> str:
    group = subscription.group or ""
    if subscription.durable:
        return group
    subjects = "\0".join(sorted(subscription.subjects))
    return f"{PASSING}{group}-{hashlib.sha256(subjects.encode()).hexdigest()[:12]}"
