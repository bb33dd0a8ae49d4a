"""What to do about each phenomenon, and what would confirm or refute it."""

from typing import Final

from voltherd.types.event import Phenomenon
from voltherd.types.stage import Stage

P = Phenomenon

ACTION: Final[dict[Phenomenon, str]] = {
    P.WEAK_CELL: "Plan to replace the cell or its module; until then expect less range and avoid "
    "deep discharge.",
    P.CELL_IMBALANCE: "Let the pack balance: charge to full and leave it connected overnight, "
    "twice; if the cell stays apart, have cell and balancing circuit checked.",
    P.SOC_IMBALANCE: "Balance the pack: a full charge with the vehicle left connected, repeated "
    "until the spread shrinks; if it does not, have the balancing circuits checked.",
    P.CONTACT_RESISTANCE: "Have busbar, weld and sense lead of this cell inspected and torque or "
    "resistance measured; avoid high current until then.",
    P.INTERNAL_SHORT: "Take the vehicle in: isolate and observe the cell, do not leave the vehicle "
    "charging unattended, and have the module replaced if the loss is confirmed.",
    P.MODULE_OFFSET: "Have the module's cooling, its measuring board and its fuses and joints "
    "checked.",
    P.STRING_GRADIENT: "Have the measuring boards' references compared with a multimeter at both "
    "ends of the string.",
    P.CELL_OUTLIER: "Watch it; charge to full and let it balance, which also tells charge from "
    "sensor.",
    P.SENSOR_BIAS: "Have the channel compared with an instrument (a multimeter for a cell, a "
    "contact thermometer for a probe), and its connector checked; if it is off, have the measuring "
    "board recalibrated or replaced.",
    P.SENSOR_DRIFT: "Have the channel compared with an instrument, and the measuring board "
    "recalibrated or replaced before the error matters to protection or balancing.",
    P.SENSOR_STUCK: "Have the measuring channel repaired soon: protection is blind to this cell.",
    P.SENSOR_SPIKES: "Have the sense lead and its connector checked.",
    P.CHANNEL_SWAP: "Check the sense harness of both cells, and what was done to the pack when it "
    "changed.",
    P.CHANNEL_INVALID: "Check whether these channels are fitted at all; if they are, have their "
    "connector and measuring board checked.",
    P.CHANNEL_FROZEN: "Have the channel's source checked; do not rely on it.",
    P.COUNTER_RESET: "Ignore the affected rows; have the telematics unit checked if it recurs.",
    P.PACK_VOLTAGE_MISMATCH: "Have the pack voltage channel calibrated, and check that every cell "
    "is in the record.",
    P.SOC_MISREPORTED: "Do not plan by the reported charge. Charge to full and let the vehicle "
    "rest for some hours, so that its gauge can set itself right; if the error stays or comes "
    "back, have the current sensor's offset and the battery management's settings checked.",
    P.TEMPERATURE_OUTLIER: "Compare with a contact thermometer; if the place really differs, check "
    "cooling and joints there.",
    P.SELF_HEATING: "Park in the open, away from people and buildings, do not charge, and watch "
    "the temperature; have the cell's self-discharge and insulation and the probe itself checked.",
    P.JOINT_HEATING: "Avoid high current, and have busbars, welds and screws there inspected and "
    "their resistance measured.",
    P.COOLING_BLOCKED: "Have the coolant's level, pump and flow through this part of the pack "
    "checked for air and blockage; avoid fast charging until then.",
    P.THERMAL_STAGE: "Watch the pack's temperature, keep it cooled and do not charge it.",
    P.THERMAL_RUNAWAY: "Get everybody away from the vehicle and call the fire brigade; do not "
    "approach, move or open it.",
    P.INSULATION_LOW: "Stop using the vehicle and have the high-voltage insulation measured by a "
    "qualified person.",
    P.PACK_PRESSURE: "Stop, get everybody out and keep away: a cell may be venting. Do not "
    "charge or open the pack before a qualified person has released it.",
    P.HUMIDITY_HIGH: "Have the pack's seals, breather and coolant circuit checked for leaks, and "
    "the insulation measured.",
    P.VIBRATION_HIGH: "Have the pack's mounting, its bolts and the wheels' balance checked.",
    P.LITHIUM_PLATING: "Warm the pack before fast charging, or charge slower while it is cold; "
    "have the charging limits of the battery management checked if it let this happen.",
    P.HOT_USE: "Park and charge in the shade or indoors, spread fast charges and hard driving, "
    "and have the cooling checked if others in the same use stay cooler.",
    P.IMPACT: "Inspect the pack before it is charged or driven again: leave the contactors open, "
    "park it apart from buildings for two days, and keep the record of the event.",
    P.SELF_CHECK_FAILED: "Stop using the vehicle until the battery management has been checked: do "
    "not rely on its limits, and do not charge it unattended.",
    P.SWITCH_STUCK_CLOSED: "Treat the high-voltage bus as live: take the vehicle out of use, open "
    "the service disconnect, and have both contactors replaced and what welded them (pre-charge, "
    "opening under load) looked for.",
    P.SWITCH_STUCK_OPEN: "Have the contactors' coils, pre-charge, interlock loop and contacts "
    "checked; do not close them again and again.",
    P.DATA_TAMPERED: "Do not act on this record: keep it, compare it with what the vehicle itself "
    "stores, and have gateway, telematics unit and their keys checked for a fault or an intruder.",
    P.CLOCK_FAULT: "Have the telematics unit's clock set.",
    P.RATE_DEVIATION: "Check the telematics unit's configuration.",
}
CONFIRM: Final[dict[Phenomenon, str]] = {
    P.WEAK_CELL: "A full discharge and charge at low current: the cell should reach its limits "
    "first, at both ends.",
    P.CELL_IMBALANCE: "After a full balanced charge the difference should be gone; coming back "
    "within days would mean a leak.",
    P.SOC_IMBALANCE: "The spread shrinks with every balanced full charge.",
    P.CONTACT_RESISTANCE: "A warm spot at the joint under load, or a milliohm reading above its "
    "neighbours'.",
    P.INTERNAL_SHORT: "Two weeks parked and disconnected: the cell should keep losing charge.",
    P.MODULE_OFFSET: "Inlet and outlet temperature of the module, and one multimeter reading.",
    P.STRING_GRADIENT: "The offset does not change between high and low charge.",
    P.CELL_OUTLIER: "More data over a wider range of charge.",
    P.SENSOR_BIAS: "The instrument shows the sibling's value while the channel does not. A step "
    "of a cell by some millivolts may also be its balancing circuit at work.",
    P.SENSOR_DRIFT: "The instrument stays where the siblings are while the channel slides on; a "
    "leak would make the cell's own voltage fall, most where its curve is steep.",
    P.SENSOR_STUCK: "A charge or a drive: the channel should move with its siblings.",
    P.SENSOR_SPIKES: "The spikes follow vibration, or stop when the connector is reseated.",
    P.CHANNEL_SWAP: "Load one module at a time, or compare the harness with its drawing.",
    P.CHANNEL_INVALID: "The channel list of this vehicle variant.",
    P.CHANNEL_FROZEN: "Any change in the channel would refute it.",
    P.COUNTER_RESET: "The next rows continue from the old value.",
    P.PACK_VOLTAGE_MISMATCH: "A multimeter at the pack terminals.",
    P.SOC_MISREPORTED: "After hours at rest the cells' voltages give the charge; counting what a "
    "full charge takes gives it again.",
    P.TEMPERATURE_OUTLIER: "After a night's rest all probes should agree; one that does not is the "
    "probe, not the place.",
    P.SELF_HEATING: "Parked without current for some hours, the place should still be warmer than "
    "its siblings; a thermometer that disagrees blames the probe.",
    P.JOINT_HEATING: "A thermal camera under load, or a milliohm reading above its neighbours'.",
    P.COOLING_BLOCKED: "Inlet and outlet temperature and flow of this part of the cooling, against "
    "another's.",
    P.THERMAL_STAGE: "The temperature at rest and with full cooling: if it goes on rising, it is "
    "the cell; a second thermometer that disagrees blames the probe.",
    P.THERMAL_RUNAWAY: "Smoke, smell or heat from the pack; do not look for them closely.",
    P.INSULATION_LOW: "An insulation tester with the vehicle off, then section by section.",
    P.PACK_PRESSURE: "Smell, smoke or a burst disc; a second pressure sensor that stays calm would "
    "refute it.",
    P.HUMIDITY_HIGH: "Water or stains inside the pack, or a falling insulation resistance.",
    P.VIBRATION_HIGH: "The same road in a sister vehicle; a loose mount can be felt and measured.",
    P.LITHIUM_PLATING: "The same fast charge on a warm pack, and an hour of rest after each, "
    "sampled every ten seconds: the late drop of the voltage should be gone.",
    P.HOT_USE: "Temperatures of a sister vehicle parked elsewhere.",
    P.IMPACT: "The housing seen from below, insulation, and the cells' voltages over two days.",
    P.SELF_CHECK_FAILED: "Read the battery management's own fault memory; a restart that clears "
    "the code explains nothing.",
    P.SWITCH_STUCK_CLOSED: "A two-pole voltage tester beyond the contactors with the vehicle off, "
    "by a qualified person; with one of them at a time told to close, which of the two it is.",
    P.SWITCH_STUCK_OPEN: "The click of the coil and the voltage on both sides of each contactor, "
    "told to close.",
    P.DATA_TAMPERED: "The battery management's own memory, read at the vehicle, shows other values "
    "for the same time.",
    P.CLOCK_FAULT: "Compare the unit's clock with the server's time of receipt.",
    P.RATE_DEVIATION: "Compare with the configured rate.",
}
STAGE_ACTIONS: Final[dict[Stage, tuple[str, ...]]] = {
    Stage.NORMAL: (),
    Stage.ABNORMAL_HEATING: (
        "Stop charging and lower the load.",
        "Run the cooling at full power.",
        "Watch the warmest probe until it is back among its siblings.",
    ),
    Stage.SELF_HEATING: (
        "Stop in the open, away from buildings and other vehicles, and get everybody out.",
        "Open the contactors once it stands; keep the cooling running.",
        "Call the fire brigade: the cell may go on by itself.",
    ),
    Stage.VENTING: (
        "Get everybody away upwind: the gas is poisonous and may explode.",
        "Call the fire brigade; do not open the vehicle or the pack.",
        "Keep the cooling running if nobody has to come near for it.",
    ),
    Stage.RUNAWAY: (
        "Get everybody away from the vehicle and call the fire brigade.",
        "Do not approach, move or open it.",
        "Tell them where the cell sits: cooling from outside belongs there.",
    ),
    Stage.PROPAGATION: (
        "Keep everybody away; the fire is spreading from cell to cell.",
        "The fire brigade needs much water for hours, and a place for the wreck apart from others.",
    ),
}
"""What to do at each stage, most urgent first.  Words for people: what the vehicle itself does is
its protection's, which needs no cloud for it."""
