"""The cell step's namespace for plain NumPy arrays: clear, allocating, any shape."""

from typing import Final

import numpy as np

from voltherd.numerics.cell_model import Namespace, Value


def _index(a: Value) -> Value:
    return np.asarray(a).astype(np.intp)


NUMPY: Final = Namespace(
    fmax=np.fmax, maximum=np.maximum, minimum=np.minimum, fabs=np.abs, index=_index, take=np.take
)
