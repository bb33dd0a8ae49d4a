"""Two things the tiled engine needs that Numba has no word for.

* ``stack_floats(n)``: scratch memory on the stack, aligned to the cache line.  To the compiler such
  memory overlaps nothing, so it drops a hundred run-time checks per time step; and asking for the
  alignment makes it align its own spilled vectors too.  Without that they straddle cache lines or
  not depending on where the stack happens to start, and the same program runs at full speed in
  one process and at three quarters in the next.
* ``copy_pair(to, i, from, k)``: two neighbouring floats in one load and one store.  Written as two
  assignments the compiler turns the loop into gather instructions, which are slower than scalars.
"""

from collections.abc import Callable
from typing import Any, Final

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

Value = Any
Recipe = tuple[Value, Callable[..., Value]]
_utilities: Final[Value] = cgutils
_LINE_BYTE: Final = 64
_DOUBLE: Final = ir.DoubleType()
_PAIR: Final = ir.VectorType(_DOUBLE, 2)


def _stack_floats(typing: Value, size: Value) -> Recipe:
    """Reserve ``size`` floats for as long as the function runs; ``size`` is a constant."""
    count = size.literal_value

    def emit(context: Value, builder: Value, signature: Value, arguments: Value) -> Value:
        with builder.goto_entry_block():
            memory = builder.alloca(ir.ArrayType(_DOUBLE, count))
            memory.align = _LINE_BYTE
        return builder.bitcast(memory, _utilities.voidptr_t)

    return types.voidptr(size), emit


def _copy_pair(typing: Value, to: Value, i: Value, source: Value, k: Value) -> Recipe:
    """Set ``to[i], to[i + 1] = source[k], source[k + 1]``; both indices are unsigned and even."""

    def emit(context: Value, builder: Value, signature: Value, arguments: Value) -> Value:
        def place(kind: Value, array: Value, index: Value) -> Value:
            data = _utilities.create_struct_proxy(kind)(context, builder, array).data
            if index.type.width < 64:
                index = builder.zext(index, ir.IntType(64))
            return builder.bitcast(builder.gep(data, [index]), _PAIR.as_pointer())

        kinds = signature.args
        pair = builder.load(place(kinds[2], arguments[2], arguments[3]))
        pair.align = 8
        builder.store(pair, place(kinds[0], arguments[0], arguments[1])).align = 16
        return context.get_dummy_value()

    return types.void(to, i, source, k), emit


stack_floats: Final[Callable[..., Value]] = intrinsic(prefer_literal=True)(_stack_floats)
copy_pair: Final[Callable[..., Value]] = intrinsic(_copy_pair)
