"""Rows of figures: printed, kept as JSON, and as a Markdown table for the README."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

#: What stands between these comments in the README is replaced; words after `begin` stay.
MARKED = re.compile(r"(<!-- bench:begin[^>]*-->\n).*?(<!-- bench:end -->)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. `beside` is another one of the same unit that it is compared with.

    `goal` bounds what `judged` names: the ratio to `beside`, or the value itself.
    `headline` rows go into the README's table.
    """

    what: str
    value: float
    unit: str
    beside: str = ""
    beside_value: float | None = None
    goal: float | None = None
    judged: Literal["ratio", "value"] = "ratio"
    bound: Literal["at least", "at most"] = "at least"
    note: str = ""
    headline: bool = False

    @property
    def ratio(self) -> float | None:
        """Ours over theirs."""
        if not self.beside_value:
            return None
        return self.value / self.beside_value

    @property
    def reached(self) -> bool | None:
        """Whether the goal is met; None without one, or without the peer."""
        judged = self.ratio if self.judged == "ratio" else self.value
        if self.goal is None or judged is None:
            return None
        return judged >= self.goal if self.bound == "at least" else judged <= self.goal

    def goal_text(self) -> str:
        if self.goal is None:
            return ""
        unit = " ×" if self.judged == "ratio" else f" {self.unit}"
        verdict = {True: "met", False: "MISSED", None: "not judged"}[self.reached]
        return f"{self.bound} {self.goal:g}{unit}: {verdict}"


@dataclass(frozen=True, slots=True)
class Section:
    """A group of figures that were taken under the same conditions."""

    title: str
    conditions: str
    rows: Sequence[Row]
    #: Share of the machine's CPU that other processes took meanwhile.
    others: float = 0.0


@dataclass(slots=True)
class Report:
    """All sections of a run."""

    conditions: Mapping[str, object]
    sections: list[Section] = field(default_factory=list[Section])

    def add(self, section: Section) -> None:
        """Keep a section and print it at once."""
        self.sections.append(section)
        print(f"\n{section.title}\n  {section.conditions}", flush=True)
        if section.others > 0.1:
            print(f"  BUSY MACHINE: other processes took {section.others:.0%} of its CPU time")
        for line in table(section.rows):
            print(f"  {line}", flush=True)

    def write(self, directory: Path) -> None:
        """`latest.json` and `latest.md`."""
        directory.mkdir(parents=True, exist_ok=True)
        sections = [
            {**asdict(section), "rows": [_json(row) for row in section.rows]}
            for section in self.sections
        ]
        content = {"conditions": dict(self.conditions), "sections": sections}
        text = json.dumps(content, indent=1, ensure_ascii=False)
        (directory / "latest.json").write_text(text + "\n", encoding="utf-8")
        (directory / "latest.md").write_text(self.markdown(), encoding="utf-8")

    def markdown(self, *, headlines: bool = False) -> str:
        """All rows, or the headlines only, with the conditions below."""
        lines = ["| figure | Paddock | beside | × | goal |", "|---|---:|---:|---:|---|"]
        for section in self.sections:
            rows = [row for row in section.rows if row.headline or not headlines]
            if rows and not headlines:
                lines.append(f"| **{section.title}** | | | | |")
            lines += [f"| {' | '.join(cells(row))} |" for row in rows]
        return "\n".join([*lines, "", self.sentence(), ""])

    def sentence(self) -> str:
        """The conditions in one sentence."""
        c = self.conditions
        busiest = max((section.others for section in self.sections), default=0.0)
        return (
            f"Measured {c['date']} in one run: {c['processor']}, {c['cores']} cores, Linux "
            f"{c['kernel']}, Python {c['python']}, {c['peer']}; "
            f"other processes took up to {busiest:.0%} of the machine meanwhile."
        )

    def put_into(self, readme: Path) -> bool:
        """Replace the headline table between the markers; False where there are none."""
        text = readme.read_text(encoding="utf-8")
        table = self.markdown(headlines=True)
        new, found = MARKED.subn(lambda m: f"{m[1]}{table}{m[2]}", text)
        if found:
            readme.write_text(new, encoding="utf-8")
        return bool(found)


def _json(row: Row) -> dict[str, object]:
    return {**asdict(row), "ratio": row.ratio, "reached": row.reached}


def cells(row: Row) -> tuple[str, str, str, str, str]:
    """What, ours, theirs, ratio, goal."""
    beside = ""
    if row.beside_value is not None:
        beside = f"{number(row.beside_value)} ({row.beside})"
    ratio = f"{row.ratio:.2f}" if row.ratio is not None else ""
    what = f"{row.what} ({row.note})" if row.note else row.what
    return what, f"{number(row.value)} {row.unit}".rstrip(), beside, ratio, row.goal_text()


def table(rows: Iterable[Row]) -> list[str]:
    """Aligned lines for a terminal."""
    header = ("figure", "Paddock", "beside", "×", "goal")
    all_cells = [header, *(cells(row) for row in rows)]
    widths = [max(len(row[i]) for row in all_cells) for i in range(5)]
    right = (1, 2, 3)
    return [
        "  ".join(
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in all_cells
    ]


def number(value: float) -> str:
    """Three or so significant digits, thousands apart."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
