"""What only a person with the vehicle can find out: the tests that would decide between causes.

Rows of the same table as ``cause_table``, never observed in telemetry.  Their numbers are
judgements: how often the test shows what it is for.
"""

from typing import Final

from voltherd.triage.cause_row import CELL, CHANNEL, EVERYWHERE, MODULE, PACK, PROBE, C, Row

CHECKS: Final = (
    Row(
        "multimeter",
        frozenset({CELL, MODULE, PACK}),
        "a multimeter shows another voltage than the channel",
        "a multimeter shows what the channel shows",
        "measure with a multimeter at the place itself and compare with the channel",
        0.02,
        {C.SENSOR: 0.9, C.TAMPERING: 0.9, C.CONTACT: 0.1},  # a bad sense joint misleads, too
    ),
    Row(
        "joint",
        frozenset({CELL, PROBE}),
        "a joint there has more resistance, or a warm spot under load",
        "the joints are sound",
        "measure the milliohms of the joints, or look for a warm spot under load",
        0.02,
        {C.CONTACT: 0.9},
    ),
    Row(
        "parked",
        frozenset({CELL}),
        "parked and disconnected, the cell keeps losing charge",
        "parked and disconnected, the cell keeps its charge",
        "leave it parked and disconnected for two weeks: does the cell keep losing charge?",
        0.02,
        {C.INTERNAL_SHORT: 0.95, C.SWITCH: 0.6, C.INGRESS: 0.3, C.PLATING: 0.2},
    ),
    Row(
        "harness",
        frozenset({CELL}),
        "the loss goes on with the sense harness unplugged",
        "the loss ends with the sense harness unplugged",
        "unplug the sense harness for some days: a loss that goes on is in the cell, one that ends "
        "is on the board",
        0.02,
        {C.INTERNAL_SHORT: 0.95, C.INGRESS: 0.3, C.PLATING: 0.2},
    ),
    Row(
        "capacity",
        frozenset({CELL}),
        "the cell meets its limits first at both ends",
        "the cell has the capacity of its siblings",
        "charge and discharge fully at low current: a weak cell is first at both ends",
        0.02,
        {C.WEAK_CELL: 0.95, C.PLATING: 0.85},
    ),
    Row(
        "balanced",
        frozenset({CELL, MODULE, PACK}),
        "two full charges left connected make the difference go",
        "two full charges left connected change nothing",
        "charge to full and leave it connected overnight, twice: does the difference go?",
        0.05,
        {C.IMBALANCE: 0.9, C.INTERNAL_SHORT: 0.2, C.SWITCH: 0.1},  # a slow leak comes back
    ),
    Row(
        "stripping",
        frozenset({CELL}),
        "after a charge in the cold the voltage at rest shows a shoulder",
        "after a charge in the cold the voltage at rest shows no shoulder",
        "charge in the cold and log the hour after it at one sample a second: a shoulder in the "
        "voltage at rest is plated lithium dissolving",
        0.03,
        {C.PLATING: 0.6},
    ),
    Row(
        "coolant",
        frozenset({CELL, MODULE, PROBE, PACK}),
        "coolant flow or its temperatures at the module's inlet and outlet are wrong",
        "coolant flow and its temperatures are as they should be",
        "measure the coolant's flow and its temperatures at the module's inlet and outlet",
        0.02,
        {C.COOLING: 0.9},
    ),
    Row(
        "thermometer",
        frozenset({PROBE}),
        "a contact thermometer there reads as everywhere else",
        "a contact thermometer there reads what the probe reads",
        "compare with a contact thermometer under load",
        0.03,
        {C.SENSOR: 0.9, C.TAMPERING: 0.9},
    ),
    Row(
        "messages",
        EVERYWHERE,
        "message counters, codes or a second log show foreign frames",
        "message counters, codes and a second log agree",
        "compare message counters and authentication codes with a log taken on the vehicle's bus",
        0.01,
        {C.TAMPERING: 0.9},
    ),
    Row(
        "contactor",
        frozenset({PACK, CHANNEL, CELL}),
        "a switch does not do what it is told",
        "contactors and balancing switches do what they are told",
        "measure on both sides of contactors and balancing switches, told to open and to close",
        0.01,
        {C.SWITCH: 0.9},
    ),
    Row(
        "sections",
        frozenset({PACK, CHANNEL}),
        "an insulation tester finds the section, or water is found inside",
        "an insulation tester finds nothing and the pack is dry",
        "measure insulation section by section with the vehicle off, and look for water",
        0.02,
        {C.INGRESS: 0.9, C.INTERNAL_SHORT: 0.2},
    ),
    Row(
        "reference",
        frozenset({CHANNEL}),
        "a second instrument shows another value than the channel",
        "a second instrument shows what the channel shows",
        "compare the channel with a second instrument over one charge",
        0.02,
        {C.SENSOR: 0.9, C.TAMPERING: 0.9},
    ),
)
