from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Channel(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OTHER: _ClassVar[Channel]
    VOLTAGE_VOLT: _ClassVar[Channel]
    CURRENT_AMPERE: _ClassVar[Channel]
    SOC_FRACTION: _ClassVar[Channel]
    SPEED_KILOMETRE_PER_HOUR: _ClassVar[Channel]
    ODOMETER_KILOMETRE: _ClassVar[Channel]
    AMBIENT_TEMPERATURE_CELSIUS: _ClassVar[Channel]
    INSULATION_RESISTANCE_OHM: _ClassVar[Channel]
    WARNING_LEVEL: _ClassVar[Channel]
    CHARGE_STATE: _ClassVar[Channel]
    CELL_VOLTAGE_VOLT_MAX: _ClassVar[Channel]
    CELL_VOLTAGE_VOLT_MIN: _ClassVar[Channel]
    TEMPERATURE_CELSIUS_MAX: _ClassVar[Channel]
    TEMPERATURE_CELSIUS_MIN: _ClassVar[Channel]
    RELATIVE_HUMIDITY_FRACTION: _ClassVar[Channel]
    PRESSURE_PASCAL: _ClassVar[Channel]
    VIBRATION_METRE_PER_SECOND_SQUARED: _ClassVar[Channel]
    AIRBAG_STATE: _ClassVar[Channel]
    SELF_CHECK_STATE: _ClassVar[Channel]
    CONTACTOR_COMMAND_STATE: _ClassVar[Channel]
    OUTLET_VOLTAGE_VOLT: _ClassVar[Channel]
OTHER: Channel
VOLTAGE_VOLT: Channel
CURRENT_AMPERE: Channel
SOC_FRACTION: Channel
SPEED_KILOMETRE_PER_HOUR: Channel
ODOMETER_KILOMETRE: Channel
AMBIENT_TEMPERATURE_CELSIUS: Channel
INSULATION_RESISTANCE_OHM: Channel
WARNING_LEVEL: Channel
CHARGE_STATE: Channel
CELL_VOLTAGE_VOLT_MAX: Channel
CELL_VOLTAGE_VOLT_MIN: Channel
TEMPERATURE_CELSIUS_MAX: Channel
TEMPERATURE_CELSIUS_MIN: Channel
RELATIVE_HUMIDITY_FRACTION: Channel
PRESSURE_PASCAL: Channel
VIBRATION_METRE_PER_SECOND_SQUARED: Channel
AIRBAG_STATE: Channel
SELF_CHECK_STATE: Channel
CONTACTOR_COMMAND_STATE: Channel
OUTLET_VOLTAGE_VOLT: Channel

class Envelope(_message.Message):
    __slots__ = ("record", "ack", "state", "command", "live")
    RECORD_FIELD_NUMBER: _ClassVar[int]
    ACK_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    LIVE_FIELD_NUMBER: _ClassVar[int]
    record: Record
    ack: Ack
    state: EdgeState
    command: Command
    live: Live
    def __init__(self, record: _Optional[_Union[Record, _Mapping]] = ..., ack: _Optional[_Union[Ack, _Mapping]] = ..., state: _Optional[_Union[EdgeState, _Mapping]] = ..., command: _Optional[_Union[Command, _Mapping]] = ..., live: _Optional[_Union[Live, _Mapping]] = ...) -> None: ...

class Record(_message.Message):
    __slots__ = ("vehicle_id", "epoch", "seq", "kind", "first_second", "last_second", "heard_first_nanosecond", "heard_last_nanosecond", "body")
    VEHICLE_ID_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    FIRST_SECOND_FIELD_NUMBER: _ClassVar[int]
    LAST_SECOND_FIELD_NUMBER: _ClassVar[int]
    HEARD_FIRST_NANOSECOND_FIELD_NUMBER: _ClassVar[int]
    HEARD_LAST_NANOSECOND_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    vehicle_id: str
    epoch: int
    seq: int
    kind: int
    first_second: float
    last_second: float
    heard_first_nanosecond: int
    heard_last_nanosecond: int
    body: bytes
    def __init__(self, vehicle_id: _Optional[str] = ..., epoch: _Optional[int] = ..., seq: _Optional[int] = ..., kind: _Optional[int] = ..., first_second: _Optional[float] = ..., last_second: _Optional[float] = ..., heard_first_nanosecond: _Optional[int] = ..., heard_last_nanosecond: _Optional[int] = ..., body: _Optional[bytes] = ...) -> None: ...

class SeqRange(_message.Message):
    __slots__ = ("first", "last")
    FIRST_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    first: int
    last: int
    def __init__(self, first: _Optional[int] = ..., last: _Optional[int] = ...) -> None: ...

class Ack(_message.Message):
    __slots__ = ("vehicle_id", "epoch", "committed", "wanted")
    VEHICLE_ID_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    COMMITTED_FIELD_NUMBER: _ClassVar[int]
    WANTED_FIELD_NUMBER: _ClassVar[int]
    vehicle_id: str
    epoch: int
    committed: _containers.RepeatedCompositeFieldContainer[SeqRange]
    wanted: _containers.RepeatedCompositeFieldContainer[SeqRange]
    def __init__(self, vehicle_id: _Optional[str] = ..., epoch: _Optional[int] = ..., committed: _Optional[_Iterable[_Union[SeqRange, _Mapping]]] = ..., wanted: _Optional[_Iterable[_Union[SeqRange, _Mapping]]] = ...) -> None: ...

class EdgeState(_message.Message):
    __slots__ = ("vehicle_id", "site_id", "online", "epoch", "head_seq", "pending_records", "pending_bytes", "dropped_records", "mode", "unix_time_second", "sent_nanosecond", "cycle_p99_second", "deadline_missed", "version")
    VEHICLE_ID_FIELD_NUMBER: _ClassVar[int]
    SITE_ID_FIELD_NUMBER: _ClassVar[int]
    ONLINE_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    HEAD_SEQ_FIELD_NUMBER: _ClassVar[int]
    PENDING_RECORDS_FIELD_NUMBER: _ClassVar[int]
    PENDING_BYTES_FIELD_NUMBER: _ClassVar[int]
    DROPPED_RECORDS_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    UNIX_TIME_SECOND_FIELD_NUMBER: _ClassVar[int]
    SENT_NANOSECOND_FIELD_NUMBER: _ClassVar[int]
    CYCLE_P99_SECOND_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_MISSED_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    vehicle_id: str
    site_id: str
    online: bool
    epoch: int
    head_seq: int
    pending_records: int
    pending_bytes: int
    dropped_records: int
    mode: str
    unix_time_second: float
    sent_nanosecond: int
    cycle_p99_second: float
    deadline_missed: int
    version: str
    def __init__(self, vehicle_id: _Optional[str] = ..., site_id: _Optional[str] = ..., online: _Optional[bool] = ..., epoch: _Optional[int] = ..., head_seq: _Optional[int] = ..., pending_records: _Optional[int] = ..., pending_bytes: _Optional[int] = ..., dropped_records: _Optional[int] = ..., mode: _Optional[str] = ..., unix_time_second: _Optional[float] = ..., sent_nanosecond: _Optional[int] = ..., cycle_p99_second: _Optional[float] = ..., deadline_missed: _Optional[int] = ..., version: _Optional[str] = ...) -> None: ...

class Command(_message.Message):
    __slots__ = ("correlation_id", "kind", "sent_nanosecond", "valid_second", "number", "text")
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    SENT_NANOSECOND_FIELD_NUMBER: _ClassVar[int]
    VALID_SECOND_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    correlation_id: str
    kind: int
    sent_nanosecond: int
    valid_second: float
    number: float
    text: str
    def __init__(self, correlation_id: _Optional[str] = ..., kind: _Optional[int] = ..., sent_nanosecond: _Optional[int] = ..., valid_second: _Optional[float] = ..., number: _Optional[float] = ..., text: _Optional[str] = ...) -> None: ...

class Live(_message.Message):
    __slots__ = ("vehicle_id", "heard_nanosecond", "chunk")
    VEHICLE_ID_FIELD_NUMBER: _ClassVar[int]
    HEARD_NANOSECOND_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    vehicle_id: str
    heard_nanosecond: int
    chunk: bytes
    def __init__(self, vehicle_id: _Optional[str] = ..., heard_nanosecond: _Optional[int] = ..., chunk: _Optional[bytes] = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ("unix_time_second", "code", "severity", "raised", "text", "cells", "value", "unit", "correlation_id")
    UNIX_TIME_SECOND_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    RAISED_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    CELLS_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    unix_time_second: float
    code: str
    severity: int
    raised: bool
    text: str
    cells: _containers.RepeatedScalarFieldContainer[int]
    value: float
    unit: str
    correlation_id: str
    def __init__(self, unix_time_second: _Optional[float] = ..., code: _Optional[str] = ..., severity: _Optional[int] = ..., raised: _Optional[bool] = ..., text: _Optional[str] = ..., cells: _Optional[_Iterable[int]] = ..., value: _Optional[float] = ..., unit: _Optional[str] = ..., correlation_id: _Optional[str] = ...) -> None: ...

class Gap(_message.Message):
    __slots__ = ("epoch", "dropped", "first_second", "last_second", "rows", "reason")
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    DROPPED_FIELD_NUMBER: _ClassVar[int]
    FIRST_SECOND_FIELD_NUMBER: _ClassVar[int]
    LAST_SECOND_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    epoch: int
    dropped: _containers.RepeatedCompositeFieldContainer[SeqRange]
    first_second: float
    last_second: float
    rows: int
    reason: int
    def __init__(self, epoch: _Optional[int] = ..., dropped: _Optional[_Iterable[_Union[SeqRange, _Mapping]]] = ..., first_second: _Optional[float] = ..., last_second: _Optional[float] = ..., rows: _Optional[int] = ..., reason: _Optional[int] = ...) -> None: ...

class ChunkHeader(_message.Message):
    __slots__ = ("rows", "cells", "probes", "channel", "cell_voltage_volt_min", "cell_voltage_volt_max", "cell_voltage_volt_mean", "temperature_celsius_min", "temperature_celsius_max", "current_ampere_min", "current_ampere_max", "current_ampere_mean", "charge_ah", "soc_fraction_last", "odometer_kilometre_last", "first_second", "last_second", "columns_bytes", "other", "cells_double", "probes_double")
    ROWS_FIELD_NUMBER: _ClassVar[int]
    CELLS_FIELD_NUMBER: _ClassVar[int]
    PROBES_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    CELL_VOLTAGE_VOLT_MIN_FIELD_NUMBER: _ClassVar[int]
    CELL_VOLTAGE_VOLT_MAX_FIELD_NUMBER: _ClassVar[int]
    CELL_VOLTAGE_VOLT_MEAN_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_CELSIUS_MIN_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_CELSIUS_MAX_FIELD_NUMBER: _ClassVar[int]
    CURRENT_AMPERE_MIN_FIELD_NUMBER: _ClassVar[int]
    CURRENT_AMPERE_MAX_FIELD_NUMBER: _ClassVar[int]
    CURRENT_AMPERE_MEAN_FIELD_NUMBER: _ClassVar[int]
    CHARGE_AH_FIELD_NUMBER: _ClassVar[int]
    SOC_FRACTION_LAST_FIELD_NUMBER: _ClassVar[int]
    ODOMETER_KILOMETRE_LAST_FIELD_NUMBER: _ClassVar[int]
    FIRST_SECOND_FIELD_NUMBER: _ClassVar[int]
    LAST_SECOND_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_BYTES_FIELD_NUMBER: _ClassVar[int]
    OTHER_FIELD_NUMBER: _ClassVar[int]
    CELLS_DOUBLE_FIELD_NUMBER: _ClassVar[int]
    PROBES_DOUBLE_FIELD_NUMBER: _ClassVar[int]
    rows: int
    cells: int
    probes: int
    channel: bytes
    cell_voltage_volt_min: float
    cell_voltage_volt_max: float
    cell_voltage_volt_mean: float
    temperature_celsius_min: float
    temperature_celsius_max: float
    current_ampere_min: float
    current_ampere_max: float
    current_ampere_mean: float
    charge_ah: float
    soc_fraction_last: float
    odometer_kilometre_last: float
    first_second: float
    last_second: float
    columns_bytes: int
    other: _containers.RepeatedScalarFieldContainer[str]
    cells_double: bool
    probes_double: bool
    def __init__(self, rows: _Optional[int] = ..., cells: _Optional[int] = ..., probes: _Optional[int] = ..., channel: _Optional[bytes] = ..., cell_voltage_volt_min: _Optional[float] = ..., cell_voltage_volt_max: _Optional[float] = ..., cell_voltage_volt_mean: _Optional[float] = ..., temperature_celsius_min: _Optional[float] = ..., temperature_celsius_max: _Optional[float] = ..., current_ampere_min: _Optional[float] = ..., current_ampere_max: _Optional[float] = ..., current_ampere_mean: _Optional[float] = ..., charge_ah: _Optional[float] = ..., soc_fraction_last: _Optional[float] = ..., odometer_kilometre_last: _Optional[float] = ..., first_second: _Optional[float] = ..., last_second: _Optional[float] = ..., columns_bytes: _Optional[int] = ..., other: _Optional[_Iterable[str]] = ..., cells_double: _Optional[bool] = ..., probes_double: _Optional[bool] = ...) -> None: ...

class ChunkColumns(_message.Message):
    __slots__ = ("scale", "offset", "time_step", "counts", "corrections", "probes", "cell_quality", "probe_quality", "scalar_quality", "cell_names", "probe_names")
    SCALE_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    TIME_STEP_FIELD_NUMBER: _ClassVar[int]
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    CORRECTIONS_FIELD_NUMBER: _ClassVar[int]
    PROBES_FIELD_NUMBER: _ClassVar[int]
    CELL_QUALITY_FIELD_NUMBER: _ClassVar[int]
    PROBE_QUALITY_FIELD_NUMBER: _ClassVar[int]
    SCALAR_QUALITY_FIELD_NUMBER: _ClassVar[int]
    CELL_NAMES_FIELD_NUMBER: _ClassVar[int]
    PROBE_NAMES_FIELD_NUMBER: _ClassVar[int]
    scale: bytes
    offset: bytes
    time_step: int
    counts: ChunkSequences
    corrections: ChunkSequences
    probes: ChunkMatrix
    cell_quality: bytes
    probe_quality: bytes
    scalar_quality: bytes
    cell_names: bytes
    probe_names: bytes
    def __init__(self, scale: _Optional[bytes] = ..., offset: _Optional[bytes] = ..., time_step: _Optional[int] = ..., counts: _Optional[_Union[ChunkSequences, _Mapping]] = ..., corrections: _Optional[_Union[ChunkSequences, _Mapping]] = ..., probes: _Optional[_Union[ChunkMatrix, _Mapping]] = ..., cell_quality: _Optional[bytes] = ..., probe_quality: _Optional[bytes] = ..., scalar_quality: _Optional[bytes] = ..., cell_names: _Optional[bytes] = ..., probe_names: _Optional[bytes] = ...) -> None: ...

class ChunkSequences(_message.Message):
    __slots__ = ("first", "width", "delta")
    FIRST_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    first: bytes
    width: int
    delta: bytes
    def __init__(self, first: _Optional[bytes] = ..., width: _Optional[int] = ..., delta: _Optional[bytes] = ...) -> None: ...

class ChunkMatrix(_message.Message):
    __slots__ = ("scale", "own", "lean", "late", "lean_shift", "late_shift", "small", "large", "raw", "minus")
    SCALE_FIELD_NUMBER: _ClassVar[int]
    OWN_FIELD_NUMBER: _ClassVar[int]
    LEAN_FIELD_NUMBER: _ClassVar[int]
    LATE_FIELD_NUMBER: _ClassVar[int]
    LEAN_SHIFT_FIELD_NUMBER: _ClassVar[int]
    LATE_SHIFT_FIELD_NUMBER: _ClassVar[int]
    SMALL_FIELD_NUMBER: _ClassVar[int]
    LARGE_FIELD_NUMBER: _ClassVar[int]
    RAW_FIELD_NUMBER: _ClassVar[int]
    MINUS_FIELD_NUMBER: _ClassVar[int]
    scale: int
    own: bytes
    lean: bytes
    late: bytes
    lean_shift: int
    late_shift: int
    small: bytes
    large: bytes
    raw: bytes
    minus: bytes
    def __init__(self, scale: _Optional[int] = ..., own: _Optional[bytes] = ..., lean: _Optional[bytes] = ..., late: _Optional[bytes] = ..., lean_shift: _Optional[int] = ..., late_shift: _Optional[int] = ..., small: _Optional[bytes] = ..., large: _Optional[bytes] = ..., raw: _Optional[bytes] = ..., minus: _Optional[bytes] = ...) -> None: ...

class ChunkNames(_message.Message):
    __slots__ = ("before", "behind", "first", "digits", "name")
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    BEHIND_FIELD_NUMBER: _ClassVar[int]
    FIRST_FIELD_NUMBER: _ClassVar[int]
    DIGITS_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    before: bytes
    behind: bytes
    first: int
    digits: int
    name: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, before: _Optional[bytes] = ..., behind: _Optional[bytes] = ..., first: _Optional[int] = ..., digits: _Optional[int] = ..., name: _Optional[_Iterable[bytes]] = ...) -> None: ...
