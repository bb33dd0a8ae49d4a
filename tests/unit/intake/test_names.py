"""Names of many vendors and languages speak of the same channels."""

import pytest

from voltherd.intake import names

SPOKEN = {
    "soc_fraction": [
        "SOC", "SoC", "vehBMSPackSOC", "soc_pct", "State of Charge [%]", "Ladezustand", "BattSoC",
        "Vehicle.Powertrain.TractionBattery.StateOfCharge.Current",
    ],
    "current_ampere": [
        "current_a", "BMSBatteryCurrent", "Current / A", "Pack Current [A]", "Strom", "总电流",
        "HV_Battery_Current", "total_current", "I", "Ibat", "current_ampere",
        "Vehicle.Powertrain.TractionBattery.CurrentCurrent",
    ],
    "voltage_volt": [
        "voltage_v", "BMSBatteryVoltage", "Voltage / V", "hv_voltage", "Gesamtspannung", "总电压",
        "packvoltage", "Vehicle.Powertrain.TractionBattery.CurrentVoltage",
    ],
    "cell_voltage_volt_max": [
        "BMSCellVoltageMax", "max_cell_volt", "maxcellvoltage", "电池单体电压最高值",
        "Vehicle.Powertrain.TractionBattery.CellVoltage.Max",
    ],
    "temperature_celsius_min": ["BMSProbeTempMin", "minCellTemp", "最低温度值"],
    "speed_kilometre_per_hour": ["vehSpeed", "speed_kmh", "Geschwindigkeit", "车速",
                                 "Vehicle.Speed"],
    "odometer_kilometre": ["vehOdo", "mileage", "Kilometerstand", "累计里程", "TraveledDistance"],
    "insulation_resistance_ohm": ["insulationResistance", "iso_kOhm", "绝缘电阻"],
    "ambient_temperature_celsius": ["ambient_c", "Ambient Temperature / degC", "outside_temp"],
    "unix_time_second": ["tboxTime", "timestamp", "ts", "Unix Time / s", "数据采集时间"],
    "elapsed": ["t_s", "test_time_second", "Test Time / s", "Time [s]"],
    "vehicle": ["vin", "VIN", "vehicle_id", "FIN"],
    "charge_state": ["BMSChargeStatus", "charging_state"],
    "relative_humidity_fraction": ["pack_humidity", "RH [%]", "Luftfeuchte"],
    "pressure_pascal": ["pack_pressure_kPa", "Druck [mbar]", "压力"],
    "vibration_metre_per_second_squared": ["packVibration", "Vibration / m/s²", "vib_rms [g]"],
    "warning_level": ["BMSWarningInformation", "最高报警等级"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "role"), [(name, role) for role, spoken in SPOKEN.items() for name in spoken]
)
def test_a_name_speaks_of_its_channel(name, role):
    assert names.role(name) == role


@pytest.mark.parametrize(
    "name",
    ["motor_current", "dcdc_voltage", "MaxChargeCurrent", "torque_nm", "soc_limit", "heater_temp",
     "motor_speed", "current_limit", "12V voltage", "checksum"],
)  # fmt: skip
def test_other_quantities_are_left_alone(name):
    assert names.role(name) is None


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("V_1", names.CELLS), ("U_07", names.CELLS), ("cell_voltage_01", names.CELLS),
        ("CellV01", names.CELLS), ("Zellspannung3", names.CELLS),
        ("Cell 3 Voltage (mV)", names.CELLS), ("voltage_volt_cell_012", names.CELLS),
        ("T_1", names.PROBES), ("probe_04", names.PROBES), ("BMSProbeTemp3", names.PROBES),
        ("cell1_temp", names.PROBES), ("ModuleTemp2", names.PROBES),
        ("temperature_celsius_probe_001", names.PROBES), ("c17", None), ("motor_temp_1", None),
    ],
)  # fmt: skip
def test_a_numbered_family_is_cells_or_probes_or_neither(name, role):
    assert names.group_role(name) == role


@pytest.mark.parametrize(
    ("name", "unit"),
    [("cell_01_mV", "mV"), ("Voltage / V", "V"), ("Strom [mA]", "mA"), ("T (°F)", "°F"),
     ("speed_kmh", "km/h"), ("iso_kOhm", "kΩ"), ("vib [g]", "g"), ("soc", ""), ("temp_c", "°C")],
)  # fmt: skip
def test_a_name_declares_its_unit(name, unit):
    assert names.parse(name).unit == unit
