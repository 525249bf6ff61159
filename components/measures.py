"""What alarms watch and dashboards chart: a metric under one exact dimension set, reduced by a statistic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from lambdas.core import metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A metric of AWS or of ours, reduced to a number per period of `period` seconds.

    `statistic` is Sum, Average, Maximum, Minimum, SampleCount or a percentile (`p95`).
    """

    namespace: str
    name: str
    dimensions: Mapping[str, pulumi.Input[str]]
    statistic: str
    period: int = 300

    @classmethod
    def of(cls, metric: metrics.Metric, dimensions: Mapping[str, str], statistic: str, period: int = 300) -> Measure:
        """A metric of the catalogue; raises `ValueError` for a dimension set under which nobody publishes it."""
        if not any(set(names) == set(dimensions) for names in metric.dimension_sets):
            raise ValueError(f"{metric.name} is published under {metric.dimension_sets}, not {tuple(dimensions)}")
        return cls(
            namespace=metrics.NAMESPACE, name=metric.name, dimensions=dimensions, statistic=statistic, period=period
        )
