"""Which version of the format a manifest says that it has."""

from __future__ import annotations

from paddock.manifest.document import Document
from paddock.manifest.problems import ManifestMistakes, Problem

SPIN_KEY = "spin_manifest_version"
PADDOCK_KEY = "paddock_manifest_version"


def check_version(document: Document, *, spin_only: bool) -> list[Problem]:
    """Mistakes of the version keys that make sense beside others.

    A manifest of another version has other tables: reading on would only list
    what is no mistake there, so ManifestMistakes is raised for it at once.
    """
    table = document.table
    if table.get(SPIN_KEY) in ("1", 1) or "spin_version" in table:
        key = SPIN_KEY if SPIN_KEY in table else "spin_version"
        raise ManifestMistakes(
            [
                document.problem(
                    (key,),
                    "this is a Spin manifest of version 1, which is not read",
                    "run 'spin doctor' to convert it, or write 'spin_manifest_version = 2', "
                    "[application] for its name, [component.ID] for each [[component]] "
                    "and [[trigger.http]] for its trigger",
                )
            ]
        )
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
