"""One vehicle in full, and its cells."""

import numpy as np

from voltherd.cloud.findings import concerned, finding_row
from voltherd.cloud.kpis import vehicle_kpis
from voltherd.cloud.quantities import (
    age,
    blind_cells,
    cell_quantities,
    pack_limits,
    pack_quantity,
    twin_told,
)
from voltherd.cloud.rows import seen_second, vehicle_row
from voltherd.cloud.schema import Estimated
from voltherd.cloud.schema_vehicles import (
    Cell,
    Cells,
    History,
    Layout,
    Module,
    Probe,
    VehicleDetail,
)
from voltherd.cloud.view import VehicleView
from voltherd.report.words import clean, rfc3339
from voltherd.types.asset import PackLayout
from voltherd.types.channel import cell_column, probe_column
from voltherd.types.quality import Quality
from voltherd.units import SECOND_PER_DAY

_UNKNOWN = Estimated(value=None, low=None, high=None)


def vehicle_detail(view: VehicleView, epochs: tuple[int, ...], now_second: float) -> VehicleDetail:
    """Tell everything known of a vehicle.

    Args:
        view: The vehicle.
        epochs: Boots of its edge of which there are records.
        now_second: The fleet's time [unix s].
    """
    followed = view.followed
    asset = followed.asset if followed else None
    row = vehicle_row(
        view.vehicle_id,
        view.site_id,
        followed,
        view.known,
        [known for known in view.known if view.asks(known.finding_id)],
        view.standings,
        view.edge,
        view.lag_second,
        view.catching_up,
    )
    blind = blind_cells(view.known)
    ages = {
        "soc": pack_quantity(followed, blind, now_second),
        "age_second": age(seen_second(followed), now_second),
    }
    usage = followed.usage if followed else None
    chemistry = asset.cell_type.chemistry.value if asset and asset.cell_type else None
    return VehicleDetail(
        **(row.model_dump() | ages),
        chemistry=chemistry,
        capacity_nominal_ah=asset.capacity_nominal_ah if asset else None,
        layout=_layout(asset.layout) if asset and asset.layout else None,
        channels=channels(view),
        twin=twin_told(followed, now_second),
        soc_pack=pack_limits(followed, blind),
        open_findings=[
            finding_row(view, known, now_second)
            for known in view.known
            if view.standings[known.finding_id].status != "resolved"
        ],
        epochs=list(epochs),
        history=History(
            first_time=rfc3339(usage.first_second) if usage else None,
            last_time=rfc3339(usage.last_second) if usage else None,
            rows=usage.rows if usage else 0,
            days=round((usage.last_second - usage.first_second) / SECOND_PER_DAY, 3)
            if usage and usage.rows
            else 0.0,
        ),
        kpis=vehicle_kpis(view, now_second),
    )


def channels(view: VehicleView) -> list[str]:
    """Name every channel that a vehicle sends."""
    batch = view.followed.newest if view.followed else None
    if batch is None:
        return []
    return [
        *batch.scalar,
        *(cell_column(i + 1) for i in range(batch.cells)),
        *(probe_column(i + 1) for i in range(batch.probes)),
    ]


def _layout(layout: PackLayout) -> Layout:
    ends = np.cumsum(layout.module_series).tolist()
    begins = [1, *(end + 1 for end in ends[:-1])] if ends else []
    return Layout(
        series=layout.series,
        parallel=layout.parallel,
        modules=[
            Module(first_cell=first, last_cell=last)
            for first, last in zip(begins, ends, strict=True)
        ],
    )


def cells(view: VehicleView, now_second: float) -> Cells:
    """Tell every cell and probe at the newest row."""
    followed = view.followed
    seen = seen_second(followed)
    if followed is None or not followed.newest.rows:
        return Cells(vehicle_id=view.vehicle_id, time=None, age_second=None, cells=[], probes=[])
    batch = followed.newest
    layout = followed.asset.layout if followed.asset else None
    cell_findings, probe_findings = concerned(view.known, view.standings)
    volt = batch.cell_voltage_volt[-1].astype(np.float64)
    known = np.isfinite(volt)
    middle = float(np.median(volt[known])) if known.any() else np.nan
    soc = cell_quantities(followed) or [_UNKNOWN] * batch.cells
    placed = layout.probe_module if layout else ()
    return Cells(
        vehicle_id=view.vehicle_id,
        time=rfc3339(seen),
        age_second=age(seen, now_second),
        cells=[
            Cell(
                index=i + 1,
                name=clean(batch.cell_name(i + 1)),
                module=layout.module_of_cell(i + 1) if layout else None,
                voltage_volt=round(float(volt[i]), 5),
                deviation_volt=round(float(volt[i]) - middle, 5),
                soc=soc[i],
                quality=_flags(int(batch.cell_quality[-1, i])),
                suspicious=i + 1 in cell_findings,
                finding_id=cell_findings.get(i + 1),
            )
            for i in range(batch.cells)
        ],
        probes=[
            Probe(
                index=i + 1,
                name=clean(batch.probe_name(i + 1)),
                module=placed[i] if i < len(placed) else None,
                temperature_celsius=round(float(batch.probe_temperature_celsius[-1, i]), 2),
                quality=_flags(int(batch.probe_quality[-1, i])),
                suspicious=i + 1 in probe_findings,
                finding_id=probe_findings.get(i + 1),
            )
            for i in range(batch.probes)
        ],
    )


def _flags(value: int) -> list[str]:
    return [flag.name.lower() for flag in Quality if flag & value and flag.name]
