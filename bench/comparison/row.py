"""A row of the table: two figures, what is asked of them, and how they came about."""

import math
import statistics
from dataclasses import dataclass, field
from typing import Optional, Sequence


@dataclass(frozen=True)
class Target:
    """A bound, for the ratio Holdfast / Redis or for Holdfast's own figure."""

    limit: float
    of_ratio: bool = True
    at_least: bool = False

    def met(self, holdfast: float, redis: float) -> bool:
        figure = holdfast / redis if self.of_ratio else holdfast
        return figure >= self.limit if self.at_least else figure <= self.limit

    def text(self, unit: str) -> str:
        bound = f"{self.limit:.2f}x Redis" if self.of_ratio else f"{format_figure(self.limit)} {unit}".rstrip()
        return (">= " if self.at_least else "<= ") + bound


@dataclass
class Row:
    key: str
    title: str
    unit: str
    holdfast: float
    redis: float
    target: Optional[Target]
    foreign_cores: float  # taken by other processes meanwhile
    note: str = ""
    samples: dict[str, list[float]] = field(default_factory=dict)

    @property
    def ratio(self) -> float:
        return self.holdfast / self.redis if self.redis else math.nan

    @property
    def met(self) -> Optional[bool]:
        return self.target.met(self.holdfast, self.redis) if self.target else None

    def as_dict(self, noisy_above: float) -> dict:
        return {
            "row": self.key,
            "title": self.title,
            "unit": self.unit,
            "holdfast": _finite(self.holdfast),
            "redis": _finite(self.redis),
            "ratio": _finite(self.ratio),
            "target": self.target.text(self.unit) if self.target else None,
            "met": self.met,
            "foreign_cores": round(self.foreign_cores, 3),
            "noisy": self.foreign_cores > noisy_above,
            "note": self.note,
            "samples": self.samples,
        }


def _finite(figure: float) -> Optional[float]:
    """JSON has no NaN, which stands for a measurement that failed."""
    return figure if math.isfinite(figure) else None


def median(samples: Sequence[float]) -> float:
    return statistics.median(samples)


def format_figure(figure: float) -> str:
    """About three significant digits, thousands apart."""
    magnitude = abs(figure)
    if magnitude >= 100:
        return f"{figure:,.0f}"
    return f"{figure:.1f}" if magnitude >= 10 else f"{figure:.2f}"


def format_table(rows: Sequence[Row], noisy_above: float) -> str:
    heads = ["row", "what", "Holdfast", "Redis", "ratio", "target", "", "note"]
    lines = [heads]
    for row in rows:
        verdict = {True: "pass", False: "MISS", None: "-"}[row.met]
        if row.foreign_cores > noisy_above:
            verdict += " noisy"
        lines.append([
            row.key, f"{row.title}, {row.unit}" if row.unit else row.title, format_figure(row.holdfast), format_figure(row.redis),
            f"{row.ratio:.3f}", row.target.text(row.unit) if row.target else "-", verdict, row.note,
        ])
    widths = [max(len(line[i]) for line in lines) for i in range(len(heads))]
    numeric = {2, 3, 4}
    table = []
    for line in lines:
        cells = [cell.rjust(width) if i in numeric else cell.ljust(width) for i, (cell, width) in enumerate(zip(line, widths))]
        table.append("  ".join(cells).rstrip())
    table.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(table)
