"""An identification as text for people."""

import textwrap
from collections.abc import Sequence
from typing import Final

import numpy as np

from voltherd.estimation.identification_report import NAMED_SOC, IdentificationReport
from voltherd.estimation.told import Told
from voltherd.numerics.cell_map import CellMap
from voltherd.report.words import count

_WIDTH: Final = 100


def render(cell: CellMap, report: IdentificationReport, rows: int, notes: Sequence[str]) -> str:
    """Tell what was identified, how well, and what was not.

    Args:
        cell: The tables.
        report: What they are worth.
        rows: How many samples they come from.
        notes: What happened on the way.
    """
    base = cell.base
    lines = [
        f"{base.name}: {base.chemistry.value}, {base.capacity_ah:.3f} Ah, "
        f"from {count(report.drives, 'drive')}, {rows:,} rows, {cell.temperature_celsius[0]:g} to "
        f"{cell.temperature_celsius[-1]:g} °C",
        f"time constants {cell.tau1_second:g} s and {cell.tau2_second:g} s; current flowed near "
        f"{report.seen_fraction:.0%} of the nodes of temperature and charge",
        *_wrapped("", f"begun with {base.source}"),
        "",
        *_tables(cell),
        "",
        *_unseen(report),
        "",
        *_more(report),
        "",
        "what this record does not tell",
        *[line for one in report.blind for line in _wrapped("  - ", f"{one.what}: {one.why}")],
        *[line for note in notes for line in _wrapped("  ! ", note)],
    ]
    return "\n".join(lines)


def _tables(cell: CellMap) -> list[str]:
    lines = [f"at {NAMED_SOC:.0%} charge        R0 mΩ   R1 mΩ   R2 mΩ   model off mV   interval ×"]
    half = np.array([NAMED_SOC])
    for row, celsius in enumerate(cell.temperature_celsius.tolist()):
        there = cell.at(half, celsius)
        ohms = "".join(f"{1000.0 * one[0]:8.2f}" for one in (there.r0, there.r1, there.r2))
        lines.append(
            f"  {celsius:8.1f} °C    {ohms}{1000.0 * cell.model_volt[row]:12.1f}"
            f"{cell.widening[row]:13.2f}"
        )
    return lines


def _unseen(report: IdentificationReport) -> list[str]:
    if not report.unseen:
        return ["voltage on drives not seen: cannot tell, there is one drive only"]
    return [
        "voltage on drives left out of the fit, RMSE",
        *[
            f"  from {one.temperature_celsius:5.0f} °C   {1000.0 * one.voltage_rms_volt:6.1f} mV   "
            f"{one.drives} drives, {one.rows:,} rows, worst {1000.0 * one.worst_rms_volt:.1f} mV"
            for one in report.unseen
        ],
    ]


def _more(report: IdentificationReport) -> list[str]:
    told = [
        (f"activation energy of {name.upper()}", one, 1e-3, "kJ/mol")
        for name, one in report.activation.items()
    ]
    heat, cooling = report.heat_capacity, report.thermal_resistance
    if heat.value is None and heat.why == cooling.why:
        told.append(("heat capacity and thermal resistance", heat, 1.0, ""))
    else:
        told.append(("heat capacity", heat, 1.0, "J/K"))
        told.append(("thermal resistance to the surroundings", cooling, 1.0, "K/W"))
    return [line for what in told for line in _wrapped("", _number(*what))]


def _number(what: str, told: Told, scale: float, unit: str) -> str:
    if told.value is None or told.standard_error is None:
        return f"{what}: {told.why}"
    return (
        f"{what}: {scale * told.value:.3g} ± {scale * told.standard_error:.2g} {unit} "
        f"(standard error; {told.why})"
    )


def _wrapped(mark: str, text: str) -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent=mark, subsequent_indent=" " * len(mark), break_on_hyphens=False
    )
