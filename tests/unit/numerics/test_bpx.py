"""A BPX document gives its cell, and takes an identified one; what is no formula is refused."""

import json

import numpy as np
import pytest

from voltherd.errors import InputError
from voltherd.numerics.bpx import read_bpx, with_cell
from voltherd.numerics.cell_map import preset_map
from voltherd.numerics.expression import evaluated
from voltherd.numerics.presets import LFP, NMC

POSITIVE = (
    "-0.8090 * x + 4.4875 - 0.0428 * tanh(18.5138 * (x - 0.5542))"
    " - 17.7326 * tanh(15.7890 * (x - 0.3117)) + 17.5842 * tanh(15.9308 * (x - 0.3120))"
)
NEGATIVE = (
    "1.9793 * exp(-39.3631 * x) + 0.2482 - 0.0909 * tanh(29.8538 * (x - 0.1234))"
    " - 0.04478 * tanh(14.9159 * (x - 0.2769)) - 0.0205 * tanh(30.4444 * (x - 0.6103))"
)
"""Chen et al., J. Electrochem. Soc. 167 (2020) 080534, equations 8 and 9, in BPX's syntax."""


@pytest.fixture
def document():
    return {
        "Header": {"BPX": 0.4, "Title": "LG M50", "Model": "DFN"},
        "Parameterisation": {
            "Cell": {
                "Nominal cell capacity [A.h]": 5.0,
                "Lower voltage cut-off [V]": 2.5,
                "Upper voltage cut-off [V]": 4.2,
                "Specific heat capacity [J.K-1.kg-1]": 900,
                "Density [kg.m-3]": 2800,
                "Volume [m3]": 2.42e-5,
                "External surface area [m2]": 5.3e-3,
            },
            "Negative electrode": {
                "OCP [V]": NEGATIVE,
                "Minimum stoichiometry": 0.0279,
                "Maximum stoichiometry": 0.9014,
            },
            "Positive electrode": {
                "OCP [V]": POSITIVE,
                "Minimum stoichiometry": 0.2661,
                "Maximum stoichiometry": 0.9084,
            },
        },
    }


def test_the_published_potentials_give_the_preset_s_curve(document):
    cell = read_bpx(document, NMC, "m50.json")
    np.testing.assert_allclose(cell.parameters.ocv_volt, NMC.ocv_volt, rtol=0.0, atol=1e-12)
    assert cell.parameters.capacity_ah == 5.0
    assert (cell.voltage_volt_min, cell.voltage_volt_max) == (2.5, 4.2)
    assert cell.parameters.heat_capacity_joule_per_kelvin == pytest.approx(900 * 2800 * 2.42e-5)
    assert cell.parameters.thermal_resistance_kelvin_per_watt == (
        NMC.thermal_resistance_kelvin_per_watt
    )
    assert "BPX 0.4, LG M50" in cell.parameters.source


def test_a_table_is_read_as_a_formula_is(document):
    x = np.linspace(0.0, 1.0, 2001)
    parts = document["Parameterisation"]
    for name, text in (("Positive electrode", POSITIVE), ("Negative electrode", NEGATIVE)):
        y = evaluated(text, x, name)
        parts[name]["OCP [V]"] = {"x": x.tolist(), "y": y.tolist()}
    cell = read_bpx(document, NMC, "m50.json")
    np.testing.assert_allclose(cell.parameters.ocv_volt, NMC.ocv_volt, rtol=0.0, atol=2e-4)


def test_the_surroundings_of_version_1_are_read(document):
    document["Header"]["BPX"] = "1.0.0"
    document["State"] = {"Thermal environment": {"Heat transfer coefficient [W.m-2.K-1]": 20.0}}
    cell = read_bpx(document, NMC, "m50.json").parameters
    assert cell.thermal_resistance_kelvin_per_watt == pytest.approx(1.0 / (20.0 * 5.3e-3))


def _set(document, *path_and_value):
    *path, last, value = path_and_value
    for key in path:
        document = document[key]
    document[last] = value


PARTS = "Parameterisation"


@pytest.mark.parametrize(
    ("path_and_value", "told"),
    [
        (("Header", "BPX", "7.0"), "Header.BPX is 7.0"),
        ((PARTS, "Cell", None), "section 'Cell' is missing"),
        ((PARTS, "Cell", "Nominal cell capacity [A.h]", -1), "is -1; it must be above 0"),
        ((PARTS, "Cell", "Nominal cell capacity [A.h]", "5"), "is '5'; a finite number"),
        ((PARTS, "Cell", "Lower voltage cut-off [V]", 4.3), "cut-offs from 4.3 to 4.2 V"),
        ((PARTS, "Positive electrode", "Maximum stoichiometry", 1.2), "from 0.2661 to 1.2"),
        ((PARTS, "Positive electrode", "Particle", {}), "blended of several materials"),
        ((PARTS, "Positive electrode", "OCP [V]", "x.real"), "'x.real' is no part of one"),
        ((PARTS, "Positive electrode", "OCP [V]", "1 / (x - x)"), "value is not finite"),
        ((PARTS, "Positive electrode", "OCP [V]", {"x": [1, 0], "y": [3, 4]}), "neither a number"),
        ((PARTS, "Positive electrode", "OCP [V]", {"x": [0, 1], "y": [3, "a"]}), "neither"),
        ((PARTS, "Positive electrode", "OCP [V]", 3.7), "does not climb"),
    ],
)
def test_what_is_wrong_is_told(document, path_and_value, told):
    _set(document, *path_and_value)
    with pytest.raises(InputError) as caught:
        read_bpx(document, NMC, "m50.json")
    assert told in str(caught.value) and "m50.json" in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "exp(x, 2)",
        "exp",
        "y",
        "x if x else 1",
        "(lambda: 1)()",
        "[x]",
        "x @ x",
        "'a'",
        "True",
        "",
        "x;x",
        "(" * 300 + "x" + ")" * 300,
        "x+" * 6000 + "x",
    ],
)
def test_what_is_no_formula_is_refused(text):
    with pytest.raises(InputError, match="not a formula"):
        evaluated(text, np.linspace(0.0, 1.0, 3), "here")


def test_every_function_is_worked_out():
    x = np.array([0.3])
    text = "+sqrt(x) - log(x) * log10(x) / cosh(x) ** 2 + sinh(x) - tan(x) + sin(x) * cos(x)"
    wanted = (
        np.sqrt(x)
        - np.log(x) * np.log10(x) / np.cosh(x) ** 2
        + np.sinh(x)
        - np.tan(x)
        + np.sin(x) * np.cos(x)
    )
    np.testing.assert_allclose(evaluated(text, x, "here"), wanted)


def test_a_circuit_is_put_beside_what_the_document_says(document):
    document["Parameterisation"]["User-defined"] = {
        "Mine": 1.0,
        "Equivalent circuit capacity [A.h]": 9.0,
    }
    before = json.dumps(document)
    cell = preset_map(LFP.resized(5.0))
    written = with_cell(document, cell, "m50.json")
    assert json.dumps(document) == before, "the document given is not changed"
    user = written["Parameterisation"].pop("User-defined")
    given = json.loads(before)
    del given["Parameterisation"]["User-defined"]
    assert written == given
    assert user["Mine"] == 1.0 and user["Equivalent circuit capacity [A.h]"] == 5.0
    table = user["Equivalent circuit series resistance [Ohm] at 298.15 K"]
    assert set(table) == {"x", "y"}
    assert table["y"] == pytest.approx([LFP.resized(5.0).r0_ohm] * 101)
    curve = user["Equivalent circuit open-circuit voltage [V] at 298.15 K"]
    assert curve["y"] == pytest.approx(LFP.ocv_volt.tolist())
    gap = user["Equivalent circuit hysteresis half-gap [V] at 298.15 K"]
    assert gap["y"] == pytest.approx([0.02] * 101)
    assert all(isinstance(value, float | dict) for value in user.values())
