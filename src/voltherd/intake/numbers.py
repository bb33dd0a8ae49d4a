"""Source columns as numbers, whatever they were written as, and a small sample of rows to look at.

Recognition looks at some thousand rows in unbroken runs, so that steps from row to row survive;
conversion looks at all of them.
"""

from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Int

RUN_ROWS: Final = 256
RUNS_MAX: Final = 16
_EMPTY: Final = frozenset(("", "-", "--", "na", "n/a", "nan", "none", "null", "nil", "#n/a", "?"))


def sample_rows(rows: int) -> Int[np.ndarray, "picked"]:
    """Pick rows to look at: all of a short record, evenly spread unbroken runs of a long one.

    Args:
        rows: Rows in the record.

    Returns:
        Rising row numbers.

    >>> sample_rows(3).tolist(), len(sample_rows(1_000_000))
    ([0, 1, 2], 4096)
    """
    if rows <= RUN_ROWS * RUNS_MAX:
        return np.arange(rows)
    starts = np.linspace(0, rows - RUN_ROWS, RUNS_MAX).astype(np.int64)
    return np.asarray((starts[:, None] + np.arange(RUN_ROWS)).ravel())


def sample_steps(rows: int) -> Bool[np.ndarray, "picked_less_one"]:
    """Tell between which neighbours of ``sample_rows`` no row was left out.

    >>> sample_steps(3).tolist()
    [True, True]
    """
    return np.asarray(np.diff(sample_rows(rows)) == 1)


def is_numeric(values: np.ndarray) -> bool:
    """Tell whether a column is stored as numbers."""
    return values.dtype.kind in "fiub"


def to_numbers(values: np.ndarray) -> np.ndarray:
    """Give a column as floating point, text that is no number as NaN.

    Decimal commas are understood; a point and a comma together make the later one the decimal.

    Args:
        values: Numbers of any dtype, or text and None.

    Returns:
        The same array where it is floating point already, a new one otherwise.

    >>> to_numbers(np.array(["3,7", "1.234,5", None, "n/a"], dtype=object)).tolist()
    [3.7, 1234.5, nan, nan]
    """
    if values.dtype.kind == "f":
        return values if values.dtype.itemsize >= 4 else values.astype(np.float32)
    if values.dtype.kind in "iub":
        return values.astype(np.float64)
    if values.dtype.kind in "mM":
        return np.full(values.shape, np.nan)
    if (quick := _clean_text(values)) is not None:
        return quick
    text = as_text(values)
    if np.any(np.strings.find(text, ",") >= 0):
        text = _decimal_comma(text)
    try:
        return text.astype(np.float64)
    except ValueError:
        return _one_by_one(text)


def as_text(values: np.ndarray) -> np.ndarray:
    """Give a column of objects as fixed-width text, stripped, 'nan' where there is no value."""
    if values.dtype.kind == "O":
        missing = np.asarray(values == None)  # noqa: E711  (element by element)
        values = np.where(missing, "nan", values).astype(np.str_)
    text = np.strings.strip(values.astype(np.str_))
    return np.asarray(np.where(text == "", "nan", text))


def looks_numeric(values: np.ndarray) -> bool:
    """Tell whether a column holds numbers, stored as such or written as text.

    >>> looks_numeric(np.array(["3,7", "4,1", None], dtype=object))
    True
    >>> looks_numeric(np.array(["BUS-1", "BUS-2"], dtype=object))
    False
    """
    if values.dtype.kind in "fiub":
        return True
    if values.dtype.kind in "mM" or values.size == 0:
        return False
    head = values[:: max(1, len(values) // 512)]
    text = as_text(head)
    empty = np.isin(np.strings.lower(text), list(_EMPTY))
    if empty.all():
        return False
    numbers = to_numbers(head[~empty])
    return bool(np.isfinite(numbers).mean() > 0.9)


def _clean_text(values: np.ndarray) -> np.ndarray | None:
    """Read text in which every entry is a number written one way; None where it is not so."""
    try:
        joined = "\n".join(values.tolist())
    except TypeError:
        return None
    if "," in joined:
        if "." in joined:
            return None
        joined = joined.replace(",", ".")
    try:
        numbers = np.array(list(map(float, joined.split("\n"))))
    except ValueError:
        return None
    return numbers if values.ndim == 1 and numbers.size == values.size else None


def _decimal_comma(text: np.ndarray) -> np.ndarray:
    comma, point = np.strings.rfind(text, ","), np.strings.rfind(text, ".")
    both = (comma >= 0) & (point >= 0)
    if np.any(both & (point > comma)):
        return np.strings.replace(text, ",", "")
    if np.any(both):
        text = np.strings.replace(text, ".", "")
    return np.strings.replace(text, ",", ".")


def _one_by_one(text: np.ndarray) -> np.ndarray:
    distinct, place = np.unique(text, return_inverse=True)
    numbers = np.array([_number(word) for word in distinct.tolist()], dtype=np.float64)
    return np.asarray(numbers[place].reshape(text.shape))


def _number(word: str) -> float:
    try:
        return float(int(word, 16)) if word[:2].lower() == "0x" else float(word)
    except ValueError:
        return float("nan")


def finite(values: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "m"]:
    """Give the finite values alone.

    >>> finite(np.array([1.0, np.nan])).tolist()
    [1.0]
    """
    return np.asarray(values[np.isfinite(values)])


def middle(values: Float[np.ndarray, "..."]) -> float:
    """Give the median of the finite values, NaN where there is none.

    >>> middle(np.array([1.0, np.nan, 3.0])), middle(np.empty(0))
    (2.0, nan)
    """
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else float("nan")


def middle_of_rows(values: Float[np.ndarray, "rows places"]) -> Float[np.ndarray, "rows"]:
    """Give each row's median of finite values, NaN where there is none.

    >>> middle_of_rows(np.array([[1.0, 3.0], [np.nan, np.nan]])).tolist()
    [2.0, nan]
    """
    found = np.full(len(values), np.nan)
    some = np.isfinite(values).any(axis=1)
    found[some] = np.nanmedian(values[some], axis=1)
    return found
