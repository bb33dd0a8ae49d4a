"""Formulas in one variable, as parameter files write them, worked out without running anything.

The text is parsed, and only numbers, ``x``, the four operations, powers and a short list of
functions are understood; everything else is refused.
"""

import ast
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from jaxtyping import Float

from voltherd.errors import InputError

Values = Float[np.ndarray, "*batch"]
_OPERATIONS: Final[Mapping[type[ast.operator], Callable[[Values, Values], Values]]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.Pow: np.power,
}
_SIGNS: Final[Mapping[type[ast.unaryop], Callable[[Values], Values]]] = {
    ast.UAdd: np.positive,
    ast.USub: np.negative,
}
_FUNCTIONS: Final[Mapping[str, Callable[[Values], Values]]] = {
    name: getattr(np, name)
    for name in ("exp", "log", "log10", "sqrt", "sinh", "cosh", "tanh", "sin", "cos", "tan")
}
_LONGEST: Final = 10_000
"""A longer text is no formula; deep nesting is the price of length [characters]."""


def evaluated(text: str, x: Values, where: str) -> Values:
    """Work a formula out.

    Args:
        text: In Python's syntax, as BPX has it.
        x: Where it is wanted.
        where: What the formula is, for the error.

    Raises:
        InputError: It is no formula, or more than one; or its value is not finite.

    >>> evaluated("2 * x ** 2 - exp(0)", np.array([0.0, 3.0]), "a test").tolist()
    [-1.0, 17.0]
    """
    if len(text) > _LONGEST:
        raise _refused(f"{len(text):,} characters", where)
    try:
        parsed = ast.parse(text.strip(), mode="eval").body
        with np.errstate(all="ignore"):
            values = _value(parsed, x, where)
    except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError) as error:
        raise _refused(f"it does not read as one ({error})", where) from error
    if not bool(np.isfinite(values).all()):
        raise InputError(
            "a formula whose value is not finite", where=where, mend="check formula and limits"
        )
    return values


def _value(node: ast.expr, x: Values, where: str) -> Values:
    if (
        isinstance(node, ast.Constant)
        and isinstance(node.value, int | float)
        and not isinstance(node.value, bool)
    ):
        return np.full(x.shape, float(node.value))
    if isinstance(node, ast.Name) and node.id == "x":
        return x
    if isinstance(node, ast.UnaryOp) and type(node.op) in _SIGNS:
        return _SIGNS[type(node.op)](_value(node.operand, x, where))
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        return _OPERATIONS[type(node.op)](_value(node.left, x, where), _value(node.right, x, where))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        function = _FUNCTIONS.get(node.func.id)
        if function is not None and len(node.args) == 1 and not node.keywords:
            return function(_value(node.args[0], x, where))
    raise _refused(f"{ast.unparse(node)!r} is no part of one", where)


def _refused(what: str, where: str) -> InputError:
    return InputError(
        f"not a formula: {what}",
        where=where,
        mend=f"known are numbers, x, + - * / **, {', '.join(_FUNCTIONS)}",
    )
