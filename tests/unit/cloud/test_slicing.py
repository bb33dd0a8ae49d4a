"""Long charts: extremes are kept, few points are drawn, whatever they are drawn from."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voltherd.adapters.sqlite.slices import SliceBook
from voltherd.cloud.past import Cutter, ReadPast
from voltherd.cloud.slicing import SlicedPast, Slicer, channels_of
from voltherd.errors import StoreError
from voltherd.types.channel import cell_column

CHANNELS = ["current_ampere", cell_column(3), "temperature_celsius_probe_002"]


@pytest.fixture(scope="module")
def batch(data):
    return data.drive(hours=9.0, period=10.0)


@pytest.fixture
def shelf(tmp_path):
    book = SliceBook(tmp_path / "slices.sqlite")
    yield book
    book.close()


class Watched:
    """A shelf that remembers what was put on it."""

    def __init__(self, shelf):
        self.rows, self.read, self.last_hour = shelf.rows, shelf.read, shelf.last_hour
        self._put = shelf.put
        self.written = []

    def put(self, vehicle_id, hour, channels, slices):
        self.written.append(hour)
        self._put(vehicle_id, hour, channels, slices)


def filled(shelf, batch, pieces):
    slicer = Slicer(shelf, batch.vehicle_id)
    for piece in pieces:
        slicer.add(piece)
    return shelf


def span(batch):
    return float(batch.unix_time_second[0]), float(np.nextafter(batch.unix_time_second[-1], np.inf))


def check(found, batch, start, stop, points):
    """Every extreme of the rows is there, in its place, and no more points than asked for."""
    time = batch.unix_time_second
    inside = (time >= start) & (time < stop)
    values = np.stack(
        [batch.scalar["current_ampere"], batch.cell_voltage_volt[:, 2],
         batch.probe_temperature_celsius[:, 1]], axis=1)[inside]  # fmt: skip
    assert 0 < len(found.time_second) <= points
    assert found.rows == inside.sum()
    np.testing.assert_array_equal(np.nanmin(found.low, axis=0), values.min(axis=0))
    np.testing.assert_array_equal(np.nanmax(found.high, axis=0), values.max(axis=0))
    assert (np.diff(found.time_second) > 0).all()
    assert found.time_second[0] == time[inside][0]
    assert found.last_second[-1] == time[inside][-1]


@pytest.mark.parametrize("points", [5, 40, 100])
def test_slices_show_what_rows_show(data, batch, shelf, points):
    telemetry = data.Remembered(batch)
    filled(shelf, batch, data.cut(batch, [60]))
    start, stop = span(batch)
    found = SlicedPast(telemetry, shelf).extremes("bus-1", CHANNELS, start, stop, points)
    assert found.summarised
    check(found, batch, start, stop, points)


def test_ends_that_are_no_whole_hours_are_read_from_the_rows(data, batch, shelf):
    filled(shelf, batch, [batch])
    start, stop = data.START + 1234.0, data.START + 7.3 * 3600
    found = SlicedPast(data.Remembered(batch), shelf).extremes("bus-1", CHANNELS, start, stop, 40)
    assert found.summarised
    check(found, batch, start, stop, 40)


def test_a_close_look_reads_the_rows(data, batch, shelf):
    filled(shelf, batch, [batch])
    start, stop = data.START + 3600.0, data.START + 3 * 3600.0
    found = SlicedPast(data.Remembered(batch), shelf).extremes("bus-1", CHANNELS, start, stop, 500)
    assert not found.summarised
    check(found, batch, start, stop, 500)


def test_rows_are_given_as_they_are_where_they_are_few(data, batch):
    few = batch.between(0, 50)
    found = ReadPast(data.Remembered(few)).extremes("bus-1", CHANNELS, *span(few), 100)
    np.testing.assert_array_equal(found.low[:, 0], few.scalar["current_ampere"])
    np.testing.assert_array_equal(found.low, found.high)


def test_a_vehicle_without_slices_is_read(data, batch, shelf):
    start, stop = span(batch)
    found = SlicedPast(data.Remembered(batch), shelf).extremes("bus-1", CHANNELS, start, stop, 20)
    assert not found.summarised
    check(found, batch, start, stop, 20)


def test_slices_do_not_depend_on_the_pieces_the_rows_came_in(data, batch, tmp_path):
    books = []
    for name, sizes in (("a", [10_000]), ("b", [1, 7, 33])):
        book = SliceBook(tmp_path / f"{name}.sqlite")
        books.append(filled(book, batch, data.cut(batch, sizes)).read("bus-1", 0, 1 << 40))
        book.close()
    for (names, first), (others, second) in zip(*books, strict=True):
        assert names == others == channels_of(batch)
        for one, other in zip(first, second, strict=True):
            np.testing.assert_array_equal(one, other)


def test_an_hour_that_has_changed_is_written_again_and_others_are_not(data, batch, shelf):
    hour = int(data.START // 3600) + 1
    time = batch.unix_time_second
    without = np.flatnonzero((time < (hour * 3600 + 600)) | (time >= (hour * 3600 + 1200)))
    poorer = type(batch)(**{
        name: ({k: v[without] for k, v in value.items()} if isinstance(value, dict)
               else value[without] if isinstance(value, np.ndarray) else value)
        for name in batch.__dataclass_fields__ for value in [getattr(batch, name)]})  # fmt: skip
    filled(shelf, poorer, [poorer])
    assert shelf.rows("bus-1", hour) == 300
    watched = Watched(shelf)
    filled(watched, batch, [batch])  # as a replay after the late rows does
    assert watched.written == [hour]
    assert shelf.rows("bus-1", hour) == 360


def test_missing_values_stay_missing(data, batch, shelf):
    blind = type(batch)(**{
        **{f: getattr(batch, f) for f in batch.__dataclass_fields__},
        "cell_voltage_volt": np.full_like(batch.cell_voltage_volt, np.nan)})  # fmt: skip
    filled(shelf, blind, [blind])
    start, stop = span(blind)
    found = SlicedPast(data.Remembered(blind), shelf).extremes(
        "bus-1", [cell_column(1), "no_such_channel"], start, stop, 20
    )
    assert np.isnan(found.low).all()
    assert found.rows == blind.rows


def test_a_file_that_is_damaged_is_told_in_words(tmp_path):
    path = tmp_path / "slices.sqlite"
    path.write_bytes(b"no database at all, though long enough to look like one" * 20)
    with pytest.raises(StoreError, match="may be deleted"):
        SliceBook(path)


@given(
    steps=st.lists(st.floats(0.01, 100.0), min_size=1, max_size=200),
    cuts=st.lists(st.integers(1, 50), min_size=1, max_size=5),
    pieces=st.integers(1, 60),
    seed=st.integers(0, 1000),
)
def test_no_extreme_is_lost_whatever_the_rows(steps, cuts, pieces, seed):
    time = 1e9 + np.cumsum(steps)
    values = np.random.default_rng(seed).normal(size=(len(time), 2))
    cut = Cutter(float(time[0]), float(np.nextafter(time[-1], np.inf)), pieces, 2)
    start = 0
    for size in [*cuts, len(time)]:
        part = slice(start, min(start + size, len(time)))
        if part.start < part.stop:
            cut.add(time[part], time[part], values[part], values[part], part.stop - part.start)
        start = part.stop
    found = cut.done(summarised=False)
    assert found.rows == len(time)
    assert 0 < len(found.time_second) <= pieces
    np.testing.assert_array_equal(found.low.min(axis=0), values.min(axis=0))
    np.testing.assert_array_equal(found.high.max(axis=0), values.max(axis=0))
    assert found.time_second[0] == time[0]
    assert found.last_second[-1] == time[-1]
