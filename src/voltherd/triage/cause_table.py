"""The fault tree: causes above, evidence below, and how likely each brings about the other.

A fault tree (IEC 61025) whose gates are all OR and whose events are uncertain is a two-layer
noisy-OR network (Bobbio et al., Reliability Engineering & System Safety 71 (2001) 249).  Each row
is a piece of evidence.  ``links`` say how likely a cause brings it about; a cause that is not named
has nothing to do with it.  The numbers here are judgements, each with its reason.  They weigh as
little as four cases; ``cause_network`` adds what was counted in the simulator.
"""

from collections.abc import Mapping
from typing import Final

from voltherd.triage.cause_heat import HEAT
from voltherd.triage.cause_row import BODY, CELL, CHANNEL, EVERYWHERE, MODULE, PACK, PROBE, C, Row
from voltherd.types.event import Cause

PRIOR: Final[Mapping[Cause, float]] = {
    # Per finding's place and year.  Judgements, in the order of magnitude that fleets report:
    # grave faults in 0.04 % to 0.08 % of vehicles, remarks on data in several per cent.
    C.SENSOR: 1e-2,  # most of what is found wrong with telemetry is the telemetry
    C.IMBALANCE: 1e-2,  # every pack drifts apart; most balance again
    C.CONTACT: 4e-3,  # joints and sense leads age by vibration and heat
    C.WEAK_CELL: 6e-3,  # spread of manufacture and ageing
    C.INTERNAL_SHORT: 2e-3,  # with high self-discharge, its mild form
    C.COOLING: 2e-3,  # pumps, air in the loop, a blocked channel
    C.INGRESS: 2e-3,  # seals and breathers
    C.PLATING: 1e-3,  # mostly the whole pack ages by it, seldom one cell alone
    C.SWITCH: 1e-3,  # contactors and balancing switches
    C.TAMPERING: 2e-4,  # rare, and hardly counted by anybody
}
"""Probability of each cause before any evidence; a fleet that knows better gives its own."""


TOLD: Final = (
    Row(
        "apart",
        frozenset({CELL}),
        "it stands apart from its siblings",
        "it does not stand apart from its siblings",
        "",
        0.0005,
        {
            C.IMBALANCE: 0.8,  # by what it holds
            C.SENSOR: 0.6,  # offsets do, spikes and frozen channels need not
            C.WEAK_CELL: 0.8,
            C.INTERNAL_SHORT: 0.6,  # not before it has lost some per cent
            C.PLATING: 0.5,
            C.SWITCH: 0.5,
            C.TAMPERING: 0.6,
            C.CONTACT: 0.1,  # follows the current both ways, so hardly in the mean
        },
    ),
    Row(
        "leaks",
        frozenset({CELL}),
        "its charge falls against the siblings day by day",
        "its charge does not keep falling",
        "some more days of data",
        0.0002,
        {
            C.INTERNAL_SHORT: 0.85,  # what a short is; slow ones take weeks to show
            C.SWITCH: 0.5,  # a balancing switch that stays closed drains its cell, too
            C.PLATING: 0.15,  # plated lithium may end in a soft short
            C.INGRESS: 0.1,  # creeping current over a wet board
            C.SENSOR: 0.02,  # a drifting converter
        },
    ),
    Row(
        "drifts",
        frozenset({CELL, PROBE}),
        "its reading slides away day by day, alike at any charge or after any rest",
        "",
        "",
        0.0001,
        {
            C.SENSOR: 0.1,  # references and amplifiers age slowly; most fail otherwise
            C.TAMPERING: 0.05,  # a slow change escapes whoever looks for steps
            C.SWITCH: 0.01,  # a bleed that is on while it is read
        },
    ),
    Row(
        "slides",
        frozenset({CELL}),
        "its charge seems to slide away against the siblings",
        "its charge does not slide away",
        "some more days of data",
        0.03,
        {
            C.INTERNAL_SHORT: 0.7,  # the same, not yet beyond doubt
            C.SWITCH: 0.4,
            C.PLATING: 0.1,
            C.INGRESS: 0.1,
        },
        given=True,
    ),
    Row(
        "constant",
        BODY,
        "the deviation is the same at every charge, as a measuring error's is",
        "the deviation follows the slope of the charge curve, as a difference in charge does",
        "data over a wider range of charge",
        0.1,
        {
            C.SENSOR: 0.85,  # an offset does not know the charge
            C.TAMPERING: 0.7,  # whoever adds a constant adds it everywhere
        },
        given=True,
    ),
    Row(
        "swings",
        frozenset({CELL}),
        "it falls behind as the pack empties and catches up as it fills",
        "it does not swing with the charge",
        "discharges over a wider range of charge",
        0.01,
        {
            C.WEAK_CELL: 0.85,  # less capacity: its charge moves faster than the others'
            C.PLATING: 0.6,  # lithium that was plated is capacity lost
            C.CONTACT: 0.02,
        },
        given=True,
    ),
    Row(
        "leans",
        frozenset({CELL}),
        "it seems to fall behind as the pack empties",
        "",
        "discharges over a wider range of charge",
        0.05,
        {
            C.WEAK_CELL: 0.8,  # the same, not yet significant
            C.PLATING: 0.6,
        },
        given=True,
    ),
    Row(
        "follows",
        frozenset({CELL}),
        "its voltage follows the current more than its siblings' do",
        "its voltage follows the current as its siblings' do",
        "some hours of lively driving at ten-second samples",
        0.0002,
        {
            C.CONTACT: 0.9,  # resistance is just that
            C.PLATING: 0.2,  # films on the anode add resistance
            C.WEAK_CELL: 0.1,  # ageing takes capacity and adds resistance
        },
    ),
    Row(
        "jumped",
        frozenset({CELL}),
        "it jumped against its own past",
        "",
        "",
        0.0005,
        {
            C.SENSOR: 0.4,  # what breaks in a measurement breaks at once
            C.TAMPERING: 0.7,  # begins when somebody begins
            C.CONTACT: 0.2,  # a joint that lets go
            C.SWITCH: 0.1,
        },
    ),
    Row(
        "frozen",
        frozenset({CELL}),
        "it no longer moves while its siblings do",
        "it moves as its siblings do",
        "a charge or a drive",
        0.00005,
        {
            C.SENSOR: 0.15,  # one way of many to fail
            C.TAMPERING: 0.15,  # to freeze a value hides what happens
        },
    ),
    Row(
        "spikes",
        frozenset({CELL}),
        "it jumps and returns far more often than its siblings",
        "it does not jump and return",
        "",
        0.0001,
        {
            C.SENSOR: 0.15,  # a loose sense lead
            C.CONTACT: 0.03,  # a loose joint, mostly seen as resistance
            C.SWITCH: 0.03,
        },
    ),
    Row(
        "exchanged",
        frozenset({CELL}),
        "two channels changed places at one moment",
        "",
        "",
        0.00005,
        {
            C.SENSOR: 0.1,  # a harness plugged the wrong way round after a repair
            C.TAMPERING: 0.1,  # to hide a bad cell
        },
    ),
    Row(
        "low",
        frozenset({CELL}),
        "it lies below its siblings",
        "it lies above its siblings",
        "",
        0.5,
        {
            C.INTERNAL_SHORT: 0.97,  # a leak only takes
            C.WEAK_CELL: 0.7,  # below the middle of the charge it lies lower
            C.SWITCH: 0.7,  # a bleed that stays on takes, too
            C.PLATING: 0.7,
        },
        given=True,
    ),
    Row(
        "company",
        EVERYWHERE,
        "another measurement changed within the same hours",
        "no other measurement changed with it",
        "",
        0.01,
        {
            C.TAMPERING: 0.7,  # who gets in changes more than one
            C.SENSOR: 0.05,  # a board that fails takes several with it
            C.SWITCH: 0.1,
        },
        given=True,
    ),
    Row(
        "together",
        frozenset({MODULE}),
        "all cells of the module stand apart alike",
        "",
        "",
        0.0001,
        {
            C.SENSOR: 0.4,  # one measuring board, one reference
            C.COOLING: 0.4,  # warm cells have less resistance and age faster
            C.IMBALANCE: 0.2,  # a module that was replaced, or a board that draws
            C.TAMPERING: 0.1,
        },
    ),
    Row(
        "wide",
        frozenset({PACK}),
        "the pack's cells have drifted apart",
        "",
        "",
        0.0001,
        {
            C.IMBALANCE: 0.9,  # what balancing is for
            C.SENSOR: 0.1,  # the boards' references differ
            C.SWITCH: 0.1,  # balancing switches that never close
        },
    ),
    Row(
        "climbs",
        frozenset({PACK}),
        "the deviation climbs along the string",
        "the deviation has no order along the string",
        "",
        0.2,
        {
            C.SENSOR: 0.7,  # an error that adds up from board to board
            C.COOLING: 0.3,  # the coolant warms along its way
        },
        given=True,
    ),
    Row(
        "disagrees",
        frozenset({PACK}),
        "the cells' sum and the pack voltage disagree",
        "the cells' sum and the pack voltage agree",
        "a channel of the pack voltage",
        0.0001,
        {
            C.SENSOR: 0.3,  # the pack's own sensor, or a channel that is missing
            C.TAMPERING: 0.4,  # parity is what is easily forgotten
            C.SWITCH: 0.2,  # a contactor that bounces or does not close
            C.CONTACT: 0.05,  # only under load, and small
        },
    ),
    Row(
        "leaky",
        frozenset({PACK}),
        "insulation is low",
        "insulation holds",
        "a channel of the insulation resistance",
        0.0002,
        {
            C.INGRESS: 0.7,  # the usual reason
            C.INTERNAL_SHORT: 0.02,  # from the cell to its housing
            C.SENSOR: 0.01,  # the monitor itself
        },
    ),
    Row(
        "damp",
        frozenset({PACK}),
        "the air inside the pack stays damp",
        "the air inside the pack is dry",
        "a channel of the humidity inside the pack",
        0.0005,
        {C.INGRESS: 0.7},
    ),
    Row(
        "silent",
        frozenset({PROBE, CHANNEL}),
        "it gives no information: no value, always one value, or a count that falls",
        "",
        "",
        0.0001,
        {C.SENSOR: 0.5, C.TAMPERING: 0.1},  # a dead channel, or one that is not fitted
    ),
    Row(
        "astray",
        frozenset({CHANNEL}),
        "the reported charge is not the one its battery has",
        "",
        "",
        0.0001,
        {
            C.SENSOR: 0.6,  # the gauge, its current sensor or its capacity setting
            C.TAMPERING: 0.3,  # who spoofs, spoofs what people look at
            C.WEAK_CELL: 0.02,  # the whole pack lost more than the gauge was told
        },
    ),
    Row(
        "collapsed",
        frozenset({CELL, MODULE, PACK, PROBE}),
        "a cell collapsed, a probe shot up or insulation broke down within a minute",
        "",
        "",
        0.00002,
        {
            C.INTERNAL_SHORT: 0.02,  # the usual beginning of a runaway
            C.COOLING: 0.002,
            C.CONTACT: 0.002,  # an arc or a glowing joint
            C.PLATING: 0.005,  # dendrites
            C.INGRESS: 0.005,  # a flooded pack
            C.TAMPERING: 0.001,
        },
    ),
    Row(
        "biased",
        frozenset({CHANNEL}),
        "the current it reports does not fit what the battery's voltage says",
        "",
        "",
        0.0001,
        {
            C.SENSOR: 0.6,  # the zero of a current sensor drifts
            C.TAMPERING: 0.1,  # whoever hides use changes the current
        },
    ),
    Row(
        "forged",
        EVERYWHERE,
        "what was raised that day together speaks of a record changed on its way",
        "nothing else raised that day speaks of a changed record",
        "",
        0.00002,
        {
            C.TAMPERING: 0.5,  # whoever leaves physics and the past whole is not seen
            C.SENSOR: 0.001,  # a logger that repeats itself
        },
    ),
    Row(
        "dosed",
        frozenset({PACK}),
        "charges went beyond what the anodes take at their temperature",
        "",
        "",
        0.002,
        {C.PLATING: 0.8},  # a model's word: many cold charges leave no lithium behind
    ),
    Row(
        "disobeys",
        frozenset({PACK}),
        "current or voltage passes contactors that are told to be open, or none those told closed",
        "the contactors do what they are told",
        "channels of the contactors' command and of the voltage beyond them",
        0.00001,
        {
            C.SWITCH: 0.6,  # what a switch fault is; few records have the command
            C.SENSOR: 0.003,  # an outlet sensor or a command bit that lies
            C.TAMPERING: 0.01,
        },
    ),
    Row(
        "shoulder",
        frozenset({PACK}),
        "the voltage at rest after such charges shows lithium dissolving",
        "the rests after such charges show no lithium dissolving",
        "hours of rest, finely sampled, right after a charge in the cold",
        0.01,
        {C.PLATING: 0.6},  # gone within an hour, so often missed
        given=True,
    ),
    *HEAT,
)
"""What telemetry tells: seen, seen to be absent, or unknown."""
