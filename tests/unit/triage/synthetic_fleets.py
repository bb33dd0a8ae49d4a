"""Fleets whose scores are drawn from known laws, so that a true rate of false alarms is known."""

from dataclasses import replace

import numpy as np

from voltherd.triage.calibration import Seen, calibration
from voltherd.types.event import Finding, Location, LocationKind, Phenomenon, Severity

NOW = 1_767_300_000.0
LAWS = {
    # Rate per vehicle-day, and how the score is drawn: none but the second is the Pareto tail that
    # the odds assume, and the last is heavier than any.
    Phenomenon.WEAK_CELL: (2e-3, lambda rng, n: 6.0 + rng.exponential(2.0, n)),
    Phenomenon.INTERNAL_SHORT: (5e-4, lambda rng, n: 6.0 * (1.0 + rng.pareto(3.0, n))),
    Phenomenon.SENSOR_BIAS: (1e-3, lambda rng, n: np.exp(rng.normal(2.0, 0.8, n))),
    Phenomenon.INSULATION_LOW: (3e-4, lambda rng, n: 100.0 * (1.0 + rng.pareto(0.8, n))),
}


def false_findings(rng, vehicle_days, laws=LAWS):
    """What healthy vehicles are said to have."""
    return [
        Seen(phenomenon, Severity.RECOMMENDED, float(score))
        for phenomenon, (rate, draw) in laws.items()
        for score in draw(rng, rng.poisson(rate * vehicle_days))
    ]


def planted(rng, each=20, factor=4.0):
    """Scores of planted faults: like the false ones, further out."""
    return {
        phenomenon: (each, [float(s) for s in factor * draw(rng, each - 2)])
        for phenomenon, (_, draw) in LAWS.items()
    }


def calibrated(rng, vehicle_days, safety=0):
    """A calibration on half the vehicle-days for the odds and half for the cut."""
    half = vehicle_days / 2.0
    extra = [Seen(Phenomenon.THERMAL_RUNAWAY, Severity.SAFETY, 20.0)] * safety
    return calibration(
        version="test",
        seed=1,
        fit=false_findings(rng, half),
        fit_vehicle_days=half,
        check=[*false_findings(rng, half), *extra],
        check_vehicle_days=half,
        planted=planted(rng),
    )


def finding(  # what matters to a decision; the rest is filled in
    vehicle="bus-1",
    phenomenon=Phenomenon.WEAK_CELL,
    severity=Severity.RECOMMENDED,
    score=12.0,
    raised=NOW,
    cell=7,
):
    return Finding(
        vehicle_id=vehicle,
        location=Location(kind=LocationKind.CELL, index=cell, cells=(cell,)),
        phenomenon=phenomenon,
        severity=severity,
        raised_second=raised,
        onset_second=raised - 3600.0,
        last_seen_second=raised + 3600.0,
        confidence=0.9,
        trend="steady",
        summary="s",
        action="a",
        confirm="c",
        score=score,
    )


def as_findings(seen):
    """The same as findings of as many vehicles."""
    return [
        replace(finding(f"bus-{n}", each.phenomenon, each.severity, each.score), score=each.score)
        for n, each in enumerate(seen)
    ]
