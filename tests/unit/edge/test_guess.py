"""Channels by the names of signals, and no guess where it matters."""

import pytest

from voltherd.edge.guess import guess_profile
from voltherd.errors import UsageError
from voltherd.types.frame import MessageLayout, SignalLayout


def bus(*signals):
    cells = tuple(SignalLayout(f"CellV_{k}", 16 * k, 16, scale=1.0, unit="mV") for k in range(4))
    return (MessageLayout("Cells", 1, False, cells), MessageLayout("Other", 2, False, signals))


def test_names_and_units_tell_what_a_signal_is():
    profile = guess_profile(
        bus(
            SignalLayout("ModuleTemp_1", 0, 8, unit="K"),
            SignalLayout("ModuleTemp_2", 8, 8, unit="K"),
            SignalLayout("PackSOC", 16, 8),
            SignalLayout("VehicleSpeed", 24, 16, unit="mph"),
            SignalLayout("IsolationResistance", 40, 16, unit="kOhm"),
            SignalLayout("Checksum", 56, 8),
        )
    )
    assert profile.cells is not None and profile.probes is not None
    assert profile.cells.columns == ("CellV_0", "CellV_1", "CellV_2", "CellV_3")
    assert profile.cells.indices == (1, 2, 3, 4) and profile.cells.scale == 1e-3
    assert profile.probes.offset == -273.15
    assert {name: rule.scale for name, rule in profile.scalar.items()} == {
        "soc_fraction": 0.01,
        "speed_kilometre_per_hour": pytest.approx(1.609344),
        "insulation_resistance_ohm": 1e3,
    }


@pytest.mark.parametrize(
    ("comment", "scale"),
    [
        ("positive while DISCHARGING", -1.0),
        ("Positive values: charging", None),
        ("positive: charging", None),
        ("positive = charge, negative = discharge", 1.0),
        ("charging negative, discharging positive", -1.0),
        ("Entladestrom positiv", -1.0),
        ("Laden positiv, Entladen negativ", 1.0),
        ("positive for charging and negative for discharging", 1.0),
        ("positive or negative charging or discharging", None),
        ("Current of the pack", None),
        ("", None),
    ],
)
def test_the_current_s_direction_is_read_from_its_comment_or_not_guessed(comment, scale):
    signals = bus(SignalLayout("PackCurrent", 0, 16, unit="A", comment=comment))
    if scale is None:
        with pytest.raises(UsageError, match="counts charging or discharging positive"):
            guess_profile(signals)
    else:
        assert guess_profile(signals).scalar["current_ampere"].scale == scale


def test_a_bus_without_cells_is_no_guess():
    with pytest.raises(UsageError, match="no numbered signals that look like cell voltages"):
        guess_profile(bus()[1:])
