"""Images to samples: all signals of all images at once, by the tables of ``wiring``.

What may not be used is NaN with a flag, as everywhere: never heard or too old, a code for 'no
value', outside what the channel can show.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int64, UInt8, UInt64

from voltherd.edge.wiring import Columns, Wiring
from voltherd.types.quality import Quality
from voltherd.types.sample import SampleBatch


class Image(NamedTuple):
    """The bus as it stood at one time.

    Attributes:
        second: The row's time, by the vehicle's clock [unix s].
        data: Payloads, slot by slot.
        age_second: How old each slot's content is, infinity where never heard [s].
        length: Bytes that the last frame of each slot had.
        heard_first_nanosecond: Wall clock at its first new frame [ns].
        heard_last_nanosecond: Wall clock at its last new frame [ns].
        steady_second: The same time by a clock that never runs backwards [s].
    """

    second: float
    data: bytes
    age_second: tuple[float, ...]
    length: tuple[int, ...]
    heard_first_nanosecond: int
    heard_last_nanosecond: int
    steady_second: float


class Rows(NamedTuple):
    """Samples, and when the edge heard of them.

    Attributes:
        batch: One row per image, times never decreasing.
        heard_first_nanosecond: Wall clock at each row's first frame [ns].
        heard_last_nanosecond: Wall clock at each row's last frame [ns].
        steady_second: Each row's time by a clock that never runs backwards [s].
    """

    batch: SampleBatch
    heard_first_nanosecond: Int64[np.ndarray, "time"]
    heard_last_nanosecond: Int64[np.ndarray, "time"]
    steady_second: Float[np.ndarray, "time"]


def decode(wiring: Wiring, vehicle_id: str, images: Sequence[Image]) -> Rows:
    """Take the samples out of images.

    Args:
        wiring: The tables.
        vehicle_id: Whose.
        images: At least one, in order of time.

    Returns:
        One row per image.
    """
    with np.errstate(all="ignore"):  # what overflows is flagged as out of range or endless
        value, flag = _values(wiring, images)
    rows, cells = len(images), len(wiring.cell_place)
    probes_end = cells + len(wiring.probe_place)
    cell_value, cell_flag = _placed(
        value[:, :cells], flag[:, :cells], wiring.cell_place, wiring.cells
    )
    probe_value, probe_flag = _placed(
        value[:, cells:probes_end], flag[:, cells:probes_end], wiring.probe_place, wiring.probes
    )
    scalar_value = np.ascontiguousarray(value[:, probes_end:].T)
    scalar_flag = np.ascontiguousarray(flag[:, probes_end:].T)
    batch = SampleBatch(
        vehicle_id=vehicle_id,
        unix_time_second=np.fromiter((i.second for i in images), np.float64, rows),
        cell_voltage_volt=cell_value,
        cell_quality=cell_flag,
        probe_temperature_celsius=probe_value,
        probe_quality=probe_flag,
        scalar=dict(zip(wiring.scalars, scalar_value, strict=True)),
        scalar_quality=dict(zip(wiring.scalars, scalar_flag, strict=True)),
    )
    return Rows(
        batch,
        np.fromiter((i.heard_first_nanosecond for i in images), np.int64, rows),
        np.fromiter((i.heard_last_nanosecond for i in images), np.int64, rows),
        np.fromiter((i.steady_second for i in images), np.float64, rows),
    )


def _placed(
    value: Float[np.ndarray, "time some"],
    flag: UInt8[np.ndarray, "time some"],
    place: np.ndarray,
    width: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Put columns where the vehicle counts them; single precision, as imported samples have."""
    if len(place) == width:  # places rise, so nothing is missing
        return value.astype(np.float32), flag.copy()
    values = np.full((len(value), width), np.nan, np.float32)
    flags = np.full((len(value), width), int(Quality.MISSING), np.uint8)
    values[:, place], flags[:, place] = value, flag
    return values, flags


def _values(
    wiring: Wiring, images: Sequence[Image]
) -> tuple[Float[np.ndarray, "time signals"], UInt8[np.ndarray, "time signals"]]:
    """Give canonical values and flags of all mapped signals."""
    c = wiring.columns
    beyond = bytes(1)
    joined = b"".join(part for image in images for part in (image.data, beyond))
    data = np.frombuffer(joined, np.uint8).reshape(len(images), wiring.image_bytes + 1)
    counts = _counts(c, data)
    source = _physical(c, counts)
    value = _decimal(c, source * c.rule_scale + c.rule_offset)
    age = np.array([image.age_second for image in images])
    length = np.array([image.length for image in images])
    heard = (age <= wiring.timeout_second)[:, c.slot] & (length[:, c.slot] >= c.bytes_needed)
    code = _coded(c, counts, source)
    good = (value >= c.low) & (value <= c.high) & heard & ~code
    flag = np.zeros(value.shape, np.uint8)
    if not good.all():
        flag[~good] = int(Quality.OUT_OF_RANGE)
        flag[~np.isfinite(source)] = int(Quality.NOT_FINITE)
        flag[code] = int(Quality.SENTINEL)
        flag[~heard] = int(Quality.MISSING)
        value[~good] = np.nan
    return value, flag


def _decimal(
    c: Columns, value: Float[np.ndarray, "time signals"]
) -> Float[np.ndarray, "time signals"]:
    """Take out what arithmetic added: -0.1 A, not -0.1000000000003638; and never minus zero."""
    if len(c.decimal) == value.shape[1]:
        return np.asarray(np.rint(value * c.per_unit) / c.per_unit + 0.0)
    value[:, c.decimal] = np.rint(value[:, c.decimal] * c.per_unit) / c.per_unit
    return np.asarray(value + 0.0)


def _coded(
    c: Columns,
    counts: UInt64[np.ndarray, "time signals"],
    source: Float[np.ndarray, "time signals"],
) -> Bool[np.ndarray, "time signals"]:
    """Find codes that stand for 'no value'."""
    code = np.zeros(counts.shape, bool)
    for codes in c.missing_code:
        code |= counts == codes
    code &= c.coded
    if c.ranged.any():
        code |= c.ranged & (counts >= c.missing_from)
    for values in c.sentinel:
        code |= source == values
    return code


def _counts(
    c: Columns, data: UInt8[np.ndarray, "time bytes"]
) -> UInt64[np.ndarray, "time signals"]:
    """Take every signal's bits out of every image."""
    words = np.take(data, c.index, axis=1).view("<u8")[:, :, 0] >> c.shift
    long = np.flatnonzero(c.spill != data.shape[1] - 1)
    if len(long):  # a ninth byte; the shift is then above zero
        words[:, long] |= data[:, c.spill[long]].astype(np.uint64) << (
            np.uint64(64) - c.shift[long]
        )
    return np.asarray(words & c.mask)


def _physical(
    c: Columns, counts: UInt64[np.ndarray, "time signals"]
) -> Float[np.ndarray, "time signals"]:
    """Turn counts into the database's units."""
    number = counts.astype(np.float64)
    if len(c.signed):
        shifted = (counts[:, c.signed] << c.spare).view(np.int64)
        number[:, c.signed] = shifted >> c.spare.view(np.int64)
    for bits, which in c.floats.items():
        number[:, which] = counts[:, which].astype(f"u{bits // 8}").view(f"f{bits // 8}")
    return np.asarray(number * c.scale + c.offset)
