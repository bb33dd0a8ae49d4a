"""The planted truth beside what the cloud finds, for the page and for the report."""

from collections.abc import Sequence

from voltherd.cloud.findings import location
from voltherd.cloud.schema_service import Planted, Truth
from voltherd.cloud.view import FleetView
from voltherd.sim.faults import Fault
from voltherd.sim.scoring import Judged, Score, score


def judged(faults: Sequence[Fault], names: Sequence[str], view: FleetView) -> Score:
    """Hold what is found now to what was planted.

    Args:
        faults: What was planted.
        names: Names of the vehicles, in the order of their numbers.
        view: The fleet as the cloud sees it.
    """
    known = [known.finding for name in names if name in view.vehicles
             for known in view.vehicles[name].known]  # fmt: skip
    return score(faults, names, known)


def truth(faults: Sequence[Fault], names: Sequence[str], view: FleetView) -> Truth:
    """Give the same as the page shows it, with the names of the findings."""
    told = judged(faults, names, view)
    ids = {
        id(known.finding): known.finding_id
        for name in names
        if name in view.vehicles
        for known in view.vehicles[name].known
    }

    def shown(ones: Sequence[Judged]) -> list[Planted]:
        return [
            Planted(
                vehicle_id=one.vehicle_id,
                phenomenon=one.phenomenon.value,
                location=location(one.location),
                finding_id=ids.get(id(one.finding)),
            )
            for one in ones
        ]

    return Truth(
        planted=shown(told.planted),
        found=shown(told.found),
        missed=shown(told.missed),
        false=shown(told.false),
    )
