"""Numbers over the seeds, taken from the results of pieces."""

import math
import statistics
from dataclasses import dataclass
from typing import Any

__all__ = ["Measure", "Results", "least", "mean", "measure"]

Results = dict[str, list[dict[str, Any]]]    # By piece, a result for each seed.


@dataclass(frozen=True)
class Measure:
    """A number that each seed gives.

    >>> str(Measure([97.0, 98.0, 99.0])), Measure([97.0, 98.0, 99.0]).mean
    ('98.00 ± 1.00', 98.0)
    """

    values: list[float]

    @property
    def mean(self) -> float:
        """Mean over the seeds."""
        return statistics.mean(self.values)

    @property
    def deviation(self) -> float:
        """Standard deviation of one seed."""
        return statistics.stdev(self.values) if len(self.values) > 1 else math.nan

    def __str__(self) -> str:
        return f"{self.mean:.2f} ± {self.deviation:.2f}"


def measure(results: list[dict[str, Any]], *keys: str) -> Measure:
    """Take what lies under ``keys`` in each seed's result of a piece; of a list, the mean."""
    found = [_at(result, keys) for result in results]
    return Measure([statistics.mean(one) if isinstance(one, list) else one for one in found])


def least(results: list[dict[str, Any]], *keys: str) -> float:
    """Take the least, over the elements of the list, of the mean over the seeds."""
    columns = zip(*(_at(result, keys) for result in results), strict=True)
    return min(float(statistics.mean(column)) for column in columns)


def mean(rows: list[list[float]]) -> list[float]:
    """Mean over the rows, element by element."""
    return [statistics.mean(column) for column in zip(*rows, strict=True)]


def _at(result: Any, keys: tuple[str, ...]) -> Any:
    for key in keys:
        result = result[key]
    return result
