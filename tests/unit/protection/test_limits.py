"""The table itself: ordered, complete, and sensible for every chemistry."""

from dataclasses import replace

import pytest

from tests.unit.protection.conftest import LIMITS, ROWS
from voltherd.protection.limits import Harm, Quantity, pack_limits
from voltherd.types.asset import CellType, Chemistry
from voltherd.types.event import Severity

CELLS = {
    Chemistry.NMC: (2.8, 4.2),
    Chemistry.LFP: (2.3, 3.65),
}


def limits_of(chemistry):
    low, high = CELLS[chemistry]
    return pack_limits(
        CellType(
            name="c",
            chemistry=chemistry,
            capacity_nominal_ah=150.0,
            voltage_volt_min=low,
            voltage_volt_max=high,
        )
    )


TABLE = [
    # chemistry, code, levels, delays, hysteresis, harm
    ("NMC", "cell_voltage.high", (4.21, 4.25, 4.3), (2.0, 2.0, 1.0), 0.05, Harm.CHARGE),
    ("LFP", "cell_voltage.high", (3.7, 3.8, 3.9), (2.0, 2.0, 1.0), 0.05, Harm.CHARGE),
    ("NMC", "cell_voltage.low", (2.8, 2.6, 2.3), (2.0, 2.0, 1.0), 0.1, Harm.DISCHARGE),
    ("LFP", "cell_voltage.low", (2.3, 2.1, 1.8), (2.0, 2.0, 1.0), 0.1, Harm.DISCHARGE),
    ("NMC", "probe_temperature.high", (50.0, 55.0, 65.0), (5.0, 5.0, 2.0), 3.0, Harm.BOTH),
    (
        "NMC",
        "probe_temperature.low_charging",
        (0.0, -10.0, -30.0),
        (5.0, 5.0, 5.0),
        2.0,
        Harm.CHARGE,
    ),
    ("NMC", "current.high", (375.0, 412.5, 487.5), (5.0, 2.0, 0.5), 18.75, Harm.CHARGE),
    ("NMC", "current.low", (-750.0, -825.0, -975.0), (5.0, 2.0, 0.5), 37.5, Harm.DISCHARGE),
]


@pytest.mark.parametrize(("chemistry", "code", "levels", "delay", "hysteresis", "harm"), TABLE)
def test_the_table_for_a_data_sheet(chemistry, code, levels, delay, hysteresis, harm):
    limits = limits_of(Chemistry(chemistry))
    [row] = [row for row in limits.rows if row.code == code]
    assert row.levels == pytest.approx(levels, abs=1e-9)
    assert row.delay_second == delay
    assert row.hysteresis == pytest.approx(hysteresis)
    assert row.harm is harm
    assert row.charging_only == code.endswith("charging")
    assert [row.level(s) for s in Severity] == list(row.levels)
    assert [row.delay(s) for s in Severity] == list(row.delay_second)


def test_every_row_of_the_table_is_named_once():
    limits = limits_of(Chemistry.NMC)
    assert [row.code for row in limits.rows] == [
        "cell_voltage.high",
        "cell_voltage.low",
        "probe_temperature.high",
        "probe_temperature.low_charging",
        "current.high",
        "current.low",
    ]
    assert (limits.charge_ampere_max, limits.discharge_ampere_max) == (375.0, 750.0)
    assert (limits.age_second_max, limits.blind_second_max) == (5.0, 30.0)
    assert (limits.fade_second, limits.break_ampere) == (4.0, 5.0)
    assert ROWS[-1].code == "insulation.low"
    assert ROWS[-1].quantity is Quantity.INSULATION


@pytest.mark.parametrize(
    "changed",
    [
        {"levels": (4.3, 4.25, 4.35)},
        {"levels": (4.2, 4.3, 4.25)},
        {"delay_second": (2.0, -1.0, 1.0)},
        {"hysteresis": -0.1},
    ],
)
def test_a_row_that_makes_no_sense_is_none(changed):
    with pytest.raises(AssertionError):
        replace(ROWS[0], **changed)


def test_levels_and_delays_may_be_equal_or_nothing():
    replace(ROWS[0], levels=(4.2, 4.2, 4.2), delay_second=(0.0, 0.0, 0.0), hysteresis=0.0)
    replace(ROWS[1], levels=(2.8, 2.8, 2.8))
    replace(LIMITS, charge_ampere_max=0.0, discharge_ampere_max=0.0)
    replace(LIMITS, age_second_max=0.5, fade_second=0.5)


@pytest.mark.parametrize(
    "changed",
    [
        {"charge_ampere_max": -1.0},
        {"charge_ampere_max": float("inf")},
        {"discharge_ampere_max": -1.0},
        {"discharge_ampere_max": float("nan")},
        {"discharge_ampere_max": float("inf")},
        {"age_second_max": 0.0},
        {"fade_second": 0.0},
    ],
)
def test_limits_that_make_no_sense_are_none(changed):
    with pytest.raises(AssertionError):
        replace(LIMITS, **changed)


def test_levels_below_are_ordered_downwards():
    with pytest.raises(AssertionError):
        replace(ROWS[1], levels=(2.3, 2.6, 2.8))
