"""Which version of the format a manifest says that it has."""

from __future__ import annotations

from paddock.manifest.document import Located
from paddock.manifest.problems import ManifestMistakes, Problem

SPIN_KEY = "spin_manifest_version"
PADDOCK_KEY = "paddock_manifest_version"


def check_version(document: Located, *, spin_only: bool) -> list[Problem]:
    """Mistakes of the version keys that make sense beside others.

    A manifest of another version has other tables: reading on would only list
    what is no mistake there, so ManifestMistakes is raised for it at once.
    """
    table = document.table
    newer = [
        document.problem(
            (key,),
            "this version is newer than this Paddock reads",
            f"write '{key} = {known}', or upgrade Paddock",
        )
        for key, known in ((SPIN_KEY, 2), (PADDOCK_KEY, 1))
        if isinstance(version := table.get(key), int) and version > known
    ]
    if newer:
        raise ManifestMistakes(newer)
    wanted = (SPIN_KEY,) if spin_only else (PADDOCK_KEY, SPIN_KEY)
    if any(key in table for key in wanted):
        return []
    line = f"{SPIN_KEY} = 2" if spin_only else f"{PADDOCK_KEY} = 1"
    return [
        document.problem((), "the version of the manifest is missing", f"begin it with '{line}'")
    ]
