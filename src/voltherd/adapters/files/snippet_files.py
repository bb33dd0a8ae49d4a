"""Charging snippets of the public set of 347 electric vehicles, read without running what they say.

The set (Zhang et al., Nature Communications 14 (2023) 5940) has a folder per brand::

    battery_brand1/column.pkl      names of the columns, a list
    battery_brand1/train/*.pkl     (array of 128 samples and 8 columns, facts), likewise test/, and
    battery_brand3/data/*.pkl      data/ for brand 3

with the facts ``label`` ("00" is healthy), ``car``, ``charge_segment``, ``mileage`` and
``timestamp``.  The files are pickles as PyTorch saves them: a bare pickle, a zip archive around
one, or five pickles in a row.

A pickle is a program that may call anything.  Here it may call nothing: the names that arrays need
stand for inert records of this module, which keep what they are given; every other name is refused
before it is looked up.  Arrays are made afterwards from shape, type code and bytes.
"""

import io
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from jaxtyping import Float

from voltherd.errors import InputError, UnreadableError

BYTES_MAX: Final = 16 * 2**20
"""A snippet is about ten kilobytes."""
TORCH_MAGIC: Final = 0x1950A86A20F9469CFC6C
TYPES: Final = frozenset({"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"})
FOLDERS: Final = ("train", "test", "data")
HEALTHY: Final = "00"


class PublicSnippet(NamedTuple):
    """One charge of the set.

    Attributes:
        vehicle: Number of the car, with its brand.
        healthy: Whether its label says so.
        mileage: As given.
        values: A column per name of ``column.pkl``.
    """

    vehicle: str
    healthy: bool
    mileage: float
    values: Float[np.ndarray, "samples columns"]


class _Inert:
    """A record that keeps what a pickle tells it; it does nothing."""

    def __init__(self, *told: Any) -> None:  # noqa: ANN401
        self.told = told
        self.state: Any = None

    def __setstate__(self, state: object) -> None:
        self.state = state


class _Array(_Inert):
    """An array: its state is version, shape, type, order, bytes."""


class _Type(_Inert):
    """A type of numbers: it is told its code, its state has its byte order."""


class _Number(_Inert):
    """A single number: it is told its type and its bytes."""


def _bytes_of(text: object, encoding: object = "latin1") -> bytes:
    """Give bytes that the second protocol writes as text; no other codec is looked up."""
    if not isinstance(text, str) or encoding != "latin1":
        raise pickle.UnpicklingError("bytes in another form than latin1")
    return text.encode("latin1")


def _nothing(*_: object) -> None:
    """Stand for the class of an array, which is only ever passed on."""


_KNOWN: Final[Mapping[tuple[str, str], Callable[..., Any]]] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("_codecs", "encode"): _bytes_of,
    ("numpy", "ndarray"): _nothing,
    ("numpy", "dtype"): _Type,
    **{
        (f"numpy.{core}.multiarray", name): stands
        for core in ("core", "_core")
        for name, stands in (("_reconstruct", _Array), ("scalar", _Number))
    },
}


class _Reader(pickle.Unpickler):
    """Looks up nothing but the names above."""

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401
        known = _KNOWN.get((module, name))
        if known is None:
            raise pickle.UnpicklingError(f"asks for {module}.{name}")
        if isinstance(known, type):
            return known

        def own(*told: object) -> object:  # since a pickle may write to what it is given
            return known(*told)

        return own

    def persistent_load(self, pid: object) -> Any:  # noqa: ANN401
        raise pickle.UnpicklingError("asks for data outside the pickle")


def read_plain(data: bytes, where: str) -> Any:  # noqa: ANN401
    """Read a pickle of numbers, texts, lists, dictionaries and arrays; nothing else is built.

    Args:
        data: The file's content.
        where: Its name, for messages.

    Raises:
        UnreadableError: It is damaged, too large, or asks for anything else.
    """
    if len(data) > BYTES_MAX:
        raise UnreadableError(f"is larger than {BYTES_MAX // 2**20} MB", where=where)
    try:
        return _plain(_load(data), {})
    except Exception as error:
        # A damaged pickle can fail in any way; none of them has run anything.
        raise UnreadableError(
            f"is no pickle of numbers and arrays ({error})",
            where=where,
            mend="give the file as it was published",
        ) from error


def _load(data: bytes) -> Any:  # noqa: ANN401
    if data[:4] == b"PK\x03\x04":
        data = _archived(data)
    stream = io.BytesIO(data)
    first = _Reader(stream).load()
    if first != TORCH_MAGIC:
        return first
    for _ in range(2):  # version, and facts of the machine that wrote it
        _Reader(stream).load()
    return _Reader(stream).load()


def _archived(data: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        [inner] = [one for one in archive.infolist() if one.filename.endswith("data.pkl")]
        if inner.file_size > BYTES_MAX:
            raise pickle.UnpicklingError("unpacks to too much")
        return archive.read(inner)


def _plain(value: Any, done: dict[int, Any]) -> Any:  # noqa: ANN401
    """Make arrays and numbers of the records, everywhere in a value; what is shared, once."""
    if isinstance(value, _Array):
        _, shape, kind, by_column, raw = value.state
        flat = np.frombuffer(raw, dtype=_code(kind))
        return flat.reshape(shape, order="F" if by_column else "C").copy()
    if isinstance(value, _Number):
        kind, raw = value.told
        [number] = np.frombuffer(raw, dtype=_code(kind)).tolist()
        return number
    if value is None or isinstance(value, str | bytes | int | float):
        return value
    if id(value) in done:
        return done[id(value)]
    if isinstance(value, dict):
        made: Any = {_plain(key, done): _plain(one, done) for key, one in value.items()}
    elif isinstance(value, list | tuple):
        made = type(value)(_plain(one, done) for one in value)
    else:
        raise pickle.UnpicklingError(f"holds a {type(value).__name__}")
    done[id(value)] = made
    return made


def _code(kind: Any) -> np.dtype[Any]:  # noqa: ANN401
    if not isinstance(kind, _Type) or kind.told[0] not in TYPES:
        raise pickle.UnpicklingError("an array of other things than numbers")
    big = bool(kind.state) and kind.state[1] == ">"
    code: str = kind.told[0]
    return np.dtype((">" if big else "<") + code)


def read_columns(folder: Path) -> tuple[str, ...]:
    """Give the names of a brand's columns.

    Raises:
        InputError: ``column.pkl`` is missing or is no list of names.
    """
    file = folder / "column.pkl"
    if not file.is_file():
        raise InputError("has no column.pkl", where=str(folder), mend="name a battery_brand folder")
    told = read_plain(file.read_bytes(), str(file))
    if isinstance(told, np.ndarray) or not all(isinstance(one, str) for one in told):
        raise InputError("is no list of column names", where=str(file))
    return tuple(told)


def read_brand(folder: Path) -> Iterator[PublicSnippet]:
    """Give every snippet of a brand, in order of file name, one at a time.

    Raises:
        InputError: A file cannot be read or is not laid out as described.
    """
    files = [file for name in FOLDERS for file in sorted((folder / name).glob("*.pkl"))]
    if not files:
        raise InputError("has no snippets in train, test or data", where=str(folder))
    columns = len(read_columns(folder))
    for file in files:
        told = read_plain(file.read_bytes(), str(file))
        try:
            values, facts = told
            yield PublicSnippet(
                vehicle=f"{folder.name}:{int(facts['car'])}",
                healthy=str(facts["label"]) == HEALTHY,
                mileage=float(facts["mileage"]),
                values=np.asarray(values, dtype=np.float64).reshape(-1, columns),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                "is not a pair of samples and facts (label, car, mileage)", where=str(file)
            ) from error
