"""The rows of the fault tree about warmth: probes and the modules that they sit at."""

from typing import Final

from voltherd.triage.cause_row import CELL, MODULE, PROBE, C, Row

HEAT: Final = (
    Row(
        "warm",
        frozenset({CELL, MODULE}),
        "the probes of its module are warmer than the others",
        "the probes of its module are as warm as the others",
        "which module each probe sits at",
        0.02,
        {
            C.COOLING: 0.85,  # what cooling is for
            C.CONTACT: 0.1,  # a joint heats by its own resistance
            C.INTERNAL_SHORT: 0.05,  # milliwatts; only a hard short heats
        },
    ),
    Row(
        "strays",
        frozenset({PROBE}),
        "the probe stands apart from the others",
        "",
        "",
        0.0001,
        {
            C.SENSOR: 0.2,  # a probe that lost its contact or its calibration
            C.COOLING: 0.8,  # heat that stays where it is made
            C.CONTACT: 0.1,  # a joint that heats its neighbourhood
            C.INTERNAL_SHORT: 0.05,  # a hard one, under a probe
            C.TAMPERING: 0.1,
        },
    ),
    Row(
        "alone",
        frozenset({PROBE}),
        "the other probes of its module do not stand apart",
        "the other probes of its module stand apart, too",
        "which module each probe sits at",
        0.1,
        {
            C.SENSOR: 0.95,  # a probe fails by itself
            C.CONTACT: 0.5,  # heat of one joint spreads little
            C.INTERNAL_SHORT: 0.5,  # so does that of one cell
            C.TAMPERING: 0.8,
        },
        given=True,
    ),
    Row(
        "cold",
        frozenset({PROBE}),
        "it reads colder than the others",
        "it reads warmer than the others",
        "",
        0.02,
        {C.SENSOR: 0.5, C.TAMPERING: 0.5},  # nothing cools one place alone
        given=True,
    ),
    Row(
        "stepped",
        frozenset({PROBE}),
        "it stepped from one sample to the next while the others did not",
        "",
        "",
        0.0002,
        {C.SENSOR: 0.4, C.TAMPERING: 0.3},  # heat takes its time, and a real one is no step
    ),
    Row(
        "smoulders",
        frozenset({PROBE}),
        "it warms whether current flows or not",
        "it does not warm by itself",
        "some more hours of driving and rest",
        0.0002,
        {
            C.INTERNAL_SHORT: 0.3,  # a hard one; slow leaks make milliwatts
            C.COOLING: 0.2,  # heat that stays looks like heat that is made
            C.CONTACT: 0.1,  # a joint under a current that hardly varies
            C.SENSOR: 0.02,  # a probe that drifts
        },
    ),
    Row(
        "glows",
        frozenset({PROBE}),
        "it heats with the square of the current, more than it used to",
        "it does not heat with the current more than it used to",
        "some more hours of lively driving",
        0.0002,
        {
            C.CONTACT: 0.5,  # a joint far from any probe heats unseen
            C.COOLING: 0.2,  # what is no longer carried away was made by the current
            C.INTERNAL_SHORT: 0.03,
            C.SENSOR: 0.005,  # an error does not know the current
        },
    ),
    Row(
        "zone",
        frozenset({MODULE, PROBE}),
        "neighbouring probes together are warmer than current and air explain",
        "no zone of neighbouring probes is warmer than current and air explain",
        "",
        0.0001,
        {
            C.COOLING: 0.8,  # a channel cools more than one place
            C.CONTACT: 0.03,  # only great heat reaches the next probe
            C.INTERNAL_SHORT: 0.02,
            C.SENSOR: 0.02,  # one board reads them all
        },
    ),
)
"""What probes tell; part of ``cause_table.TOLD``."""
