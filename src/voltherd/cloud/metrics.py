"""``/metrics`` for Prometheus: the same counters that the pages show."""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from voltherd.cloud.schema_service import Chain


class ChainCollector(Collector):
    """Reads the chain's figures when Prometheus asks.

    Args:
        chain: Gives them.
    """

    def __init__(self, chain: Callable[[], Chain]) -> None:
        self._chain = chain

    def collect(self) -> Iterator[Metric]:
        """Give the figures as gauges; what is not known is left out."""
        chain = self._chain()
        totals = {
            "vehicles_online": chain.vehicles_online,
            "vehicles_offline": chain.vehicles_offline,
            "outbox_records": chain.outbox_records,
            "committed_records": chain.committed_records,
            "duplicate_records": chain.duplicate_records,
            "conflict_records": chain.conflict_records,
            "hole_records": chain.hole_records,
            "lost_records": chain.lost_records,
        }
        for name, value in totals.items():
            yield GaugeMetricFamily(f"voltherd_{name}", f"{name.replace('_', ' ')} now", value)
        figures = GaugeMetricFamily(
            "voltherd_layer", "Figures of each layer, names with units", labels=["layer", "figure"]
        )
        for layer in chain.layers:
            known = dict(layer.figures) | {
                "messages_per_second": layer.messages_per_second,
                "bytes_per_second": layer.bytes_per_second,
                "pending": layer.pending,
                "up": {"ok": 1, "warning": 1, "down": 0, "unknown": None}[layer.state],
            }
            for name, figure in known.items():
                if isinstance(figure, int | float):
                    figures.add_metric([layer.layer, name], float(figure))
        yield figures
        lags = GaugeMetricFamily(
            "voltherd_lag_second", "Lag, newest measurements", labels=["way", "quantile"]
        )
        for way, lag in chain.round_trip:
            for quantile, second in (("0.5", lag.p50), ("0.99", lag.p99)):
                if second is not None:
                    lags.add_metric([way.removesuffix("_second"), quantile], second)
        yield lags


class Metrics:
    """All metrics of one service.

    Args:
        chain: Gives the chain's figures.
    """

    def __init__(self, chain: Callable[[], Chain]) -> None:
        self._registry = CollectorRegistry()
        self._answers = Counter(
            "voltherd_http_answers", "Answers", ["method", "status"], registry=self._registry
        )
        self._deliveries = Histogram(
            "voltherd_webhook_second",
            "From a finding's change to its delivery",
            buckets=(0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 60.0, 600.0),
            registry=self._registry,
        )
        self._registry.register(ChainCollector(chain))

    def answered(self, method: str, status: int) -> None:
        """Count an answer."""
        known = method if method in ("GET", "HEAD", "POST", "DELETE") else "other"
        self._answers.labels(known, f"{status // 100}xx").inc()

    def delivered(self, second: float) -> None:
        """Note how long a delivery took [s]."""
        self._deliveries.observe(second)

    def text(self) -> tuple[bytes, str]:
        """Write all metrics, and say of which type the text is."""
        return generate_latest(self._registry), CONTENT_TYPE_PLAIN_0_0_4
