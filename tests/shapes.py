"""Shapes and types that signatures state, checked as functions are called.

jaxtyping's import hook puts its decorator on every function and dataclass.  That one makes two
checkers of each when it is imported, binds its arguments at every call, and looks at them before
the call and after it: three quarters of what a checked test costs.  The decorator here checks the
same with one checker, made when it is first needed.
"""

import contextlib
import dataclasses
import functools
import inspect
import types
from typing import get_type_hints

import jaxtyping
from beartype import beartype

thorough = jaxtyping.jaxtyped


def install():
    """Check everything in voltherd that is imported from now on; `switch` says whether."""
    jaxtyping.jaxtyped = checked  # by this name the hook knows it
    jaxtyping.install_import_hook("voltherd", "beartype.beartype")


def switch(on):
    jaxtyping.config.update("jaxtyping_disable", not on)


def checked(this=None, *, typechecker):
    """Decorate a function or class as `jaxtyping.jaxtyped` does."""
    if this is None:
        return functools.partial(checked, typechecker=typechecker)
    if inspect.isclass(this):
        made = vars(this).get("__init__") if dataclasses.is_dataclass(this) else None
        if made and not hasattr(made, "__wrapped__"):
            this.__init__ = _checked(made)
        return this
    if inspect.isgeneratorfunction(this):  # whose shapes do not end with the call
        return thorough(this, typechecker=typechecker)
    return _checked(this)


def _checked(function):
    checker = None

    @functools.wraps(function)
    def call(*args, **kwargs):
        __tracebackhide__ = True
        nonlocal checker
        if jaxtyping.config.jaxtyping_disable:
            return function(*args, **kwargs)
        if checker is None:
            checker = beartype(_known(function))
        with thorough("context"):  # names of dimensions mean one size within a call
            return checker(*args, **kwargs)

    return call


def _known(function):
    """The function without annotations that only static checkers understand."""
    parts = function.__code__, function.__globals__, function.__name__
    same = types.FunctionType(*parts, function.__defaults__, function.__closure__)
    same.__kwdefaults__ = function.__kwdefaults__
    same.__module__, same.__qualname__ = function.__module__, function.__qualname__
    for name, hint in function.__annotations__.items():
        alone = types.SimpleNamespace(__annotations__={name: hint})
        with contextlib.suppress(NameError, TypeError):
            same.__annotations__ |= get_type_hints(alone, function.__globals__, include_extras=True)
    return same
