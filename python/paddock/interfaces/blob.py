"""What the facades of both blob store interfaces share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from paddock.capabilities.blob import ObjectId, store_object
from paddock.errors import CapabilityError
from paddock.types import Reply, resolve

if TYPE_CHECKING:
    from paddock.capabilities.blob import BlobStore
    from paddock.interfaces.grants import Grants

#: For what is not a CapabilityError: its text is not for guests.
INTERNAL = "the blob store failed; the host's log has the reason"


class Place(Protocol):
    """The record `object-id` of a guest."""

    @property
    def container(self) -> str: ...
    @property
    def object(self) -> str: ...


def message(exc: Exception) -> str:
    """What a guest may read of an exception."""
    return exc.message if isinstance(exc, CapabilityError) else INTERNAL


def past(end: int) -> int | None:
    """Both interfaces name the last byte, our contract the one after it."""
    return end + 1 if end < 2**63 - 1 else None


def copy_object(grants: Grants, source: Place, target: Place) -> Reply[None]:
    """Copy within a store, or from one to another; raises AccessDenied or NotFound."""
    origin, place = grants.container(source.container), grants.container(target.container)
    if origin is place:
        return origin.copy(_id(source), _id(target))
    return _across(origin, source, place, target)


def move_object(grants: Grants, source: Place, target: Place) -> Reply[None]:
    """The same, and the source is gone afterwards."""
    origin, place = grants.container(source.container), grants.container(target.container)
    if origin is place:
        return origin.move(_id(source), _id(target))
    return _across(origin, source, place, target, take=True)


def _id(place: Place) -> ObjectId:
    return ObjectId(place.container, place.object)


async def _across(
    origin: BlobStore, source: Place, place: BlobStore, target: Place, *, take: bool = False
) -> None:
    found = await resolve(origin.read(source.container, source.object))
    await store_object(place, target.container, target.object, found.chunks)
    if take:
        await resolve(origin.delete(source.container, source.object))
