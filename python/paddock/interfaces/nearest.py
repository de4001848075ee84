"""What a name that is not offered was most likely meant to be."""

from __future__ import annotations

from paddock.interfaces.catalogue import OFFERED


def nearest(interface: str) -> str | None:
    """The offered name most like `interface`: another version of it if there is one."""
    from difflib import get_close_matches

    base, _, version = interface.partition("@")
    versions = {name.partition("@")[2]: name for name in OFFERED if name.partition("@")[0] == base}
    if versions:
        return versions[max(versions, key=lambda each: (_alike(each, version), each))]
    found = get_close_matches(interface, OFFERED, n=1, cutoff=0.8)
    return found[0] if found else None


def _alike(one: str, other: str) -> int:
    """How many characters two versions share from their start."""
    for length, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return length
    return min(len(one), len(other))
