"""What to do about each phenomenon, and what would confirm or refute it."""

from typing import Final

from voltherd.types.event import Phenomenon

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
    P.SENSOR_BIAS: "Have the cell measured with a multimeter against its channel and the measuring "
    "board recalibrated or replaced.",
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
    P.THERMAL_RUNAWAY: "Get everybody away from the vehicle and call the fire brigade; do not "
    "approach, move or open it.",
    P.INSULATION_LOW: "Stop using the vehicle and have the high-voltage insulation measured by a "
    "qualified person.",
    P.PACK_PRESSURE: "Stop, get everybody out and keep away: a cell may be venting. Do not "
    "charge or open the pack before a qualified person has released it.",
    P.HUMIDITY_HIGH: "Have the pack's seals, breather and coolant circuit checked for leaks, and "
    "the insulation measured.",
    P.VIBRATION_HIGH: "Have the pack's mounting, its bolts and the wheels' balance checked.",
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
    P.SENSOR_BIAS: "A multimeter shows the sibling's voltage while the channel does not.",
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
    P.THERMAL_RUNAWAY: "Smoke, smell or heat from the pack; do not look for them closely.",
    P.INSULATION_LOW: "An insulation tester with the vehicle off, then section by section.",
    P.PACK_PRESSURE: "Smell, smoke or a burst disc; a second pressure sensor that stays calm would "
    "refute it.",
    P.HUMIDITY_HIGH: "Water or stains inside the pack, or a falling insulation resistance.",
    P.VIBRATION_HIGH: "The same road in a sister vehicle; a loose mount can be felt and measured.",
    P.DATA_TAMPERED: "The battery management's own memory, read at the vehicle, shows other values "
    "for the same time.",
    P.CLOCK_FAULT: "Compare the unit's clock with the server's time of receipt.",
    P.RATE_DEVIATION: "Compare with the configured rate.",
}
