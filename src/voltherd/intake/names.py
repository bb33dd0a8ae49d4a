"""What a column's name says: its words, its unit, and the roles it may play.

Names are only a first opinion; values and physics confirm or overrule it.
"""

# ruff: noqa: E501  (one rule per line reads as a table)

import re
from functools import lru_cache
from typing import Final, NamedTuple

from voltherd.types.channel import CELL_VOLTAGE, PROBE_TEMPERATURE, SCALARS, TIME, spec

VEHICLE: Final = "vehicle"
ELAPSED: Final = "elapsed"
CELLS: Final = CELL_VOLTAGE.name
PROBES: Final = PROBE_TEMPERATURE.name
QUALITY_SUFFIX: Final = "_quality"
"""Ends the name of a column that holds the flags of another, in canonical files."""
CELL_STATISTIC: Final = "cell_statistic"
PROBE_STATISTIC: Final = "probe_statistic"

_BRACKET = re.compile(r"\s*(?:\[([^\]]*)\]|\(([^)]*)\)|\s/\s*([^/]+))\s*$")
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-zäöüß]+|[A-Z]+|\d+|[^\W\d_a-zA-Z]+")
_PART: Final = re.compile(
    r"max|min|mean|avg|cell|pack|battery|batt|bat|total|voltage|volt|current|temperature|temp|probe|"
    r"speed|vehicle|veh|bms|insulation|resistance|time|stamp|soc|charge|state|status|hv|module"
)
_PARTS: Final = re.compile(f"(?:{_PART.pattern})+")
_UNITS: Final = {
    "volt": "V", "volts": "V", "v": "V", "mv": "mV", "millivolt": "mV", "millivolts": "mV",
    "kv": "kV", "uv": "µV", "µv": "µV",
    "a": "A", "ampere": "A", "amperes": "A", "amp": "A", "amps": "A", "ma": "mA",
    "milliampere": "mA", "milliamps": "mA", "ka": "kA",
    "c": "°C", "degc": "°C", "deg c": "°C", "°c": "°C", "celsius": "°C", "℃": "°C", "ºc": "°C",
    "f": "°F", "degf": "°F", "deg f": "°F", "°f": "°F", "fahrenheit": "°F",
    "k": "K", "kelvin": "K",
    "%": "%", "pct": "%", "percent": "%", "percentage": "%", "prozent": "%",
    "fraction": "1", "1": "1", "ratio": "1", "permille": "‰", "‰": "‰",
    "km/h": "km/h", "kmh": "km/h", "kph": "km/h", "kmph": "km/h", "kilometre per hour": "km/h",
    "m/s": "m/s", "mps": "m/s", "ms-1": "m/s", "mph": "mph", "mi/h": "mph",
    "m/s²": "m/s²", "m/s2": "m/s²", "m/s^2": "m/s²", "ms-2": "m/s²", "g": "g",
    "km": "km", "kilometre": "km", "kilometer": "km", "m": "m", "mi": "mi", "miles": "mi",
    "mile": "mi", "ohm": "Ω", "ohms": "Ω", "ω": "Ω", "kohm": "kΩ", "kohms": "kΩ", "kω": "kΩ",
    "kiloohm": "kΩ", "mohm": "MΩ", "megaohm": "MΩ",
    "pa": "Pa", "pascal": "Pa", "kpa": "kPa", "hpa": "hPa", "mbar": "hPa", "bar": "bar",
    "s": "s", "sec": "s", "second": "s", "seconds": "s", "ms": "ms", "millisecond": "ms",
    "milliseconds": "ms", "us": "µs", "µs": "µs", "microseconds": "µs", "ns": "ns", "min": "min",
    "minutes": "min", "h": "h", "hours": "h", "hour": "h", "d": "d", "days": "d",
}  # fmt: skip
_TRAILING: Final = frozenset(_UNITS) - {
    "c",
    "f",
    "g",
    "k",
    "1",
    "m",
    "d",
    "h",
    "min",
    "s",
    "v",
    "a",
}
"""Words that are a unit when they end a name; single letters only when lower-case and apart."""


class Name(NamedTuple):
    """A column's name, taken apart.

    Attributes:
        words: Lower-case words between single spaces, with one at either end.
        unit: Unit symbol the name declares, empty where none.
    """

    words: str
    unit: str


def unit_symbol(text: str) -> str:
    """Give the symbol of a unit as people spell it, empty where unknown.

    >>> unit_symbol("degC"), unit_symbol("mV"), unit_symbol("furlong")
    ('°C', 'mV', '')
    """
    return _UNITS.get(text.strip().lower(), "")


@lru_cache(maxsize=8192)
def parse(name: str) -> Name:
    """Take a name apart into words and unit.

    >>> parse("vehBMSPackSOC")
    Name(words=' veh bms pack soc ', unit='')
    >>> parse("Voltage / V")
    Name(words=' voltage ', unit='V')
    >>> parse("cell_voltage_mV_07")
    Name(words=' cell voltage mv 07 ', unit='mV')
    """
    unit, bare = "", name.strip()
    if (match := _BRACKET.search(bare)) and match.start() > 0:
        found = unit_symbol(next(part for part in match.groups() if part is not None))
        if found:
            unit, bare = found, bare[: match.start()]
    bare = re.sub(r"[Ss]o([CH])(?![a-z])", lambda m: " SO" + m[1] + " ", bare)
    bare = re.sub(r"(?i)km/h|kmh", " kmh ", bare)
    bare = re.sub(r"m([VA])(?![a-zA-Z])|([kM])Ohm", _keep_together, bare)
    words = [word.lower() for word in _WORD.findall(bare)]
    words = [part for word in words for part in _split(word)]
    if "current" in words[:-1] and words[words.index("current") + 1] in ("voltage", "current"):
        words.remove("current")  # the present value, as the Vehicle Signal Specification says it
    letters = [word for word in words if not word.isdigit()]
    if not unit and len(letters) > 1:
        last = letters[-1]
        if last in _TRAILING or (last in ("c", "f", "k", "m", "s", "v", "a") and "_" in name):
            unit = _UNITS[last]
    return Name(f" {' '.join(words)} ", unit)


def _keep_together(match: re.Match[str]) -> str:
    return f" {match[0].lower()} "


def _split(word: str) -> list[str]:
    """Take words written together apart, where all of them are known.

    >>> _split("maxcellvoltage"), _split("kilometerstand")
    (['max', 'cell', 'voltage'], ['kilometerstand'])
    """
    return _PART.findall(word) if len(word) > 5 and _PARTS.fullmatch(word) else [word]


class _Rule(NamedTuple):
    role: str
    every: tuple[str, ...]
    none: str = ""


_MAX: Final = r" (max|maximum|maximal|highest|high|hi|upper|höchste|最高)|最高| max"
_MIN: Final = r" (min|minimum|minimal|lowest|low|lo|lower|niedrigste|tiefste|最低)|最低| min"
_MEAN: Final = r" (m|mean|avg|average|median|mittel|mittelwert|mittlere|std|sum|diff|delta|spread|range|span|dev) |平均|差"
_CELL: Final = (
    r" (cell|cells|cellv|ucell|vcell|single|mono|monomer|zelle|zellen|zell|cv|celda|cellule)|单体"
)
_VOLT: Final = r" (volt|volts|voltage|voltages|spannung|zellspannung|tension|voltaje|u|v|ucell|vcell|cellv|mv) |spannung|电压"
_TEMP: Final = r" (temp|temps|temperature|temperatures|temperatur|temperaturen|tmp|température|temperatura) |temperatur|温度"
_AUX: Final = (
    r" (motor|engine|inverter|dcdc|dc|lv|aux|auxiliary|heater|cabin|coolant|limit|limits|allow|allowed|"
    r"permitted|request|requested|target|setpoint|set|demand|demanded|phase|compressor|oil|tyre|tire|"
    r"brake|accel|acceleration|desired|power|energy|capacity|rate|index|number|num|no|position|pos|"
    r"code|id|count|ocv|12 v|charger|obc|insulation|isolation) |序号|代号|电机|驱动"
)
_RULES: Final = (
    _Rule(VEHICLE, (r"^ (vin|vid|fin|vehicle|veh|car|bus|truck|auto|fahrzeug|asset|device|cell|battery|unit|pack|plate|license plate|fahrgestellnummer|kennzeichen)( (id|no|nr|number|name|nummer|key|code))? $|^ (vehicle vehicle )?vehicle identification (vin|number) $|车架号|车辆",)),
    _Rule("insulation_resistance_ohm", (r" (insulation|isolation|isolations|iso|riso|isolationswiderstand|r iso)|绝缘",), r" (status|state|warning|alarm|fault|level|flag) "),
    _Rule("warning_level", (r"(warning|alarm|fault|warn|warnung|fehler|error).*( level| information| info| grade| stufe| lvl| class| status)|max alarm|highest alarm|报警等级|最高报警",), r" (time|count|code) "),
    _Rule("warning_level", (r" (warning|alarm|fault|warnung|fehlerstufe) $",)),
    _Rule("charge_state", (r" (charge|charging|chg|chrg|lade|ladung) (status|state|stat|mode|flag|zustand)|charging is charging|ladestatus|充电状态",), r" state of charge "),
    _Rule("soc_fraction", (r" soc | state of charge |ladezustand|ladestand|荷电|电量",), r" (max|min|target|limit|disp|display|displayed|initial|start|end|ref|reference|set|user|init|upper|lower|std) "),
    _Rule("cell_voltage_volt_max", (_CELL, _VOLT, _MAX), r" (temp|index|number|num|no|id|code|limit|pos|position|subsystem|nr) |序号|代号"),
    _Rule("cell_voltage_volt_min", (_CELL, _VOLT, _MIN), r" (temp|index|number|num|no|id|code|limit|pos|position|subsystem|nr) |序号|代号"),
    _Rule(CELL_STATISTIC, (_CELL, _VOLT, _MEAN)),
    _Rule("ambient_temperature_celsius", (r" (ambient|amb|outside|outdoor|exterior|environment|external|air|aussen|außen|umgebung|chamber)|环境", _TEMP + r"| ambient | amb "), r" (cabin|inlet|conditioning|set|coolant) "),
    _Rule("temperature_celsius_max", (_TEMP + r"|probetemp", _MAX), _AUX),
    _Rule("temperature_celsius_min", (_TEMP + r"|probetemp", _MIN), _AUX),
    _Rule(PROBE_STATISTIC, (_TEMP + r"|probetemp", _MEAN), _AUX),
    _Rule("relative_humidity_fraction", (r" (humidity|humid|rh|feuchte|luftfeuchte) |湿度",)),
    _Rule("pressure_pascal", (r" (pressure|druck|press) |压力",), r" (tyre|tire|brake|oil|reifen|coolant) "),
    _Rule("vibration_metre_per_second_squared", (r" (vibration|vibrations|vib|schwingung|erschütterung) |振动",), r" (status|state|warning|alarm|level|flag|frequency|count) "),
    _Rule("airbag_state", (r" (airbag|airbags|crash|collision|aufprall) |安全气囊|碰撞",), r" (count|counter|time|lamp|voltage|temp|temperature|code) "),
    _Rule("self_check_state", (r" (self check|selfcheck|self test|selftest|selbsttest|eigendiagnose|bist) |自检",), r" (count|counter|time) "),
    _Rule("contactor_command_state", (r" (contactor|contactors|schütz|hauptschütz|main relay) |接触器", r" (command|commanded|cmd|request|requested|control|ctrl|soll|ansteuerung) |指令|控制"), r" (feedback|status|fault|error|count|counter|time|voltage|volt|current) |反馈"),
    _Rule("outlet_voltage_volt", (r" (outlet|link|dclink|inverter|load side|bus side) ", _VOLT), r" (cell|cells|max|min|limit|request|requested|target|set|lv|12 v) "),
    _Rule("odometer_kilometre", (r" (odo|odometer|mileage|kilometerstand|km stand|milage|tacho|traveled distance|travelled distance|total distance|total km|totalkm|kilometrage) |累计里程|总里程",)),
    _Rule("speed_kilometre_per_hour", (r" (speed|velocity|geschwindigkeit|vitesse|velocidad|spd|vspd) |geschwindigkeit|车速",), r" (motor|wheel|engine|fan|rpm|wind|pump|rotor|rotational|angular|average|avg|limit) |电机"),
    _Rule(TIME, (r" (timestamp|datetime|time stamp|date time|date|unix|epoch|zeitstempel|utc|gmt|posix|ts|tbox time|tboxtime|recorded at|created at|event time|collect time|collection time|sample time|data time|datum|uhrzeit|acquisition time|report time|terminal time|time stamp|zeitpunkt|horodatage|fecha) |时间",), r" (test time|step|elapsed|since|remaining|charge time|duration) "),
    _Rule(ELAPSED, (r" (time|t s|zeit|elapsed|seconds|t|test time|relative time|laufzeit|tsec|sec|duration|runtime|temps) ",), r" (step|remaining|remain|cycle|charge time|charging|temp|temperature|left|stamp) "),
    _Rule("current_ampere", (r" (current|currents|strom|batteriestrom|packstrom|hochvoltstrom|amps|courant|corriente|i|ibat|ipack|ibatt|cur|curr|amperage) |strom|总电流",), _AUX + r"| (max|min|maximum|minimum|leak|leakage|soc|state|speed|voltage|temp|temperature|mean|avg|cutoff|step|cycle) |(?<=current) (gear|mode|location|status)"),
    _Rule("voltage_volt", (r" (voltage|volt|volts|spannung|packspannung|gesamtspannung|hochvoltspannung|u|v|vbat|vpack|ubat|upack|ubatt|vbatt|tension|voltaje|hv|bus voltage) |spannung|总电压", ), _AUX.replace("|dc|", "|") + r"| (max|min|maximum|minimum|mean|avg|cell|cells|zelle|cutoff|temp|current|diff|delta) |单体"),
)  # fmt: skip
_COMPILED: Final = tuple(
    (rule.role, tuple(re.compile(p) for p in rule.every), re.compile(rule.none or r"(?!)"))
    for rule in _RULES
)
_CELL_GROUP: Final = re.compile(
    rf"{_CELL}| (v|u|vc|uc|cv|vcell|ucell|volt|voltage|voltages|zellspannung|spannung|cellv|cvolt) |电压"
)
_PROBE_GROUP: Final = re.compile(
    rf"{_TEMP}|probetemp| (t|probe|probes|sensor|ntc|th|therm|thermistor|tc|tcell|tmod|fühler|sonde|sonda) "
)
_ELSE: Final = re.compile(
    _AUX
    + r"| (torque|throttle|pedal|elev|elevation|altitude|power|energy|capacity|cap|ah|wh|kw|kwh|"
    r"step|cycle|cycles|regen|gear|lat|latitude|lon|longitude|gps|rpm|trip|test|ref|reference|disp|"
    r"displayed|status|mode|flag|counter|checksum|crc|resistance|impedance|nm|soh|fan|heading|slope|"
    r"time|max|min|mean|avg|quality|segment|session|row|seq|sequence|number|charging|discharging) "
)
_NOT_PACK: Final = re.compile(_AUX)


def speaks_of_else(name: str) -> bool:
    """Tell whether a name speaks of a quantity that no role covers, such as torque.

    >>> speaks_of_else("torque_nm"), speaks_of_else("c17")
    (True, False)
    """
    return bool(_ELSE.search(parse(name).words))


@lru_cache(maxsize=8192)
def role(name: str) -> str | None:
    """Give the role a single column's name suggests, None where it suggests none.

    >>> [role(n) for n in ("vehBMSPackSOC", "BMSBatteryCurrent", "BMSCellVoltageMax", "Spannung")]
    ['soc_fraction', 'current_ampere', 'cell_voltage_volt_max', 'voltage_volt']
    >>> role("Vehicle.Powertrain.TractionBattery.StateOfCharge.Current")
    'soc_fraction'
    """
    if name == TIME or name in SCALARS:
        return name
    if name.endswith(QUALITY_SUFFIX):
        return None
    if (channel := spec(name)) is not None:
        return channel.name
    words = parse(name).words
    if "_" in name and name.lower() in ("test_time_second",):
        return ELAPSED
    for found, every, none in _COMPILED:
        if all(pattern.search(words) for pattern in every) and not none.search(words):
            return found
    return None


@lru_cache(maxsize=8192)
def group_role(name: str) -> str | None:
    """Give the role a numbered family's name suggests: cells, probes or None.

    >>> group_role("CellV01"), group_role("BMSProbeTemp_3"), group_role("c17")
    ('voltage_volt_cell', 'temperature_celsius_probe', None)
    """
    if (channel := spec(name)) is not None:
        return channel.name if channel.name in (CELLS, PROBES) else None
    if name.endswith(QUALITY_SUFFIX):
        return None
    words = re.sub(r" \d+(?= )", "", parse(name).words)
    if re.search(_TEMP, words) and not _NOT_PACK.search(words):
        return PROBES
    if _CELL_GROUP.search(words) and not _NOT_PACK.search(words):
        return CELLS
    if _PROBE_GROUP.search(words) and not _NOT_PACK.search(words):
        return PROBES
    return None
