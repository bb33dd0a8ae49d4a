"""Record plain arithmetic once, so that it can be replayed without allocating.

A function of arrays is called with nodes in place of the arrays; every ``+ - * /`` appends one
instruction.  Equal sub-expressions become one, dead ones vanish, and each result is given a
register that no live value needs.  The outputs that are the next step's inputs are put, where
nothing stands in the way, straight into those inputs' registers, so that a recurrence costs no
copies.

What comes out is a list of ``(operation, a, b, register)``: the same operations in the same order
as the plain function, so that the numbers are the same to the last bit.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Union, final

from voltherd.numerics.cell_model import Namespace, Value

Operand = Union["Node", float]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One value of a recorded computation."""

    tape: "Tape"
    number: int

    def __add__(self, other: Operand) -> "Node":
        return self.tape.record("add", self, other)

    def __radd__(self, other: float) -> "Node":
        return self.tape.record("add", other, self)

    def __sub__(self, other: Operand) -> "Node":
        return self.tape.record("subtract", self, other)

    def __rsub__(self, other: float) -> "Node":
        return self.tape.record("subtract", other, self)

    def __mul__(self, other: Operand) -> "Node":
        return self.tape.record("multiply", self, other)

    def __rmul__(self, other: float) -> "Node":
        return self.tape.record("multiply", other, self)

    def __truediv__(self, other: Operand) -> "Node":
        return self.tape.record("divide", self, other)

    def __rtruediv__(self, other: float) -> "Node":
        return self.tape.record("divide", other, self)


LEAVES: Final = frozenset({"input", "constant", "literal", "table"})
"""Entries that nothing computes."""

Place = tuple[str, int | str | float]
"""Where an operand is found: ``("register", 3)``, ``("constant", "r0")``, ``("literal", 1.0)``."""


class Entry(NamedTuple):
    """What a node stands for: ``input`` and ``constant`` carry a name, the rest operands."""

    operation: str
    a: int | str | float
    b: int | None = None


@final
@dataclass(frozen=True, slots=True)
class Tape:
    """The growing record; lives only while a function is being traced."""

    entries: list[Entry] = field(default_factory=list)
    known: dict[Entry, int] = field(default_factory=dict)

    def leaf(self, kind: str, name: str | float) -> Node:
        """Give the node of an input, a named constant or a literal."""
        return self._node(Entry(kind, name))

    def record(self, operation: str, a: Operand, b: Operand | None = None) -> Node:
        """Append one operation, or find the node that already holds its result."""
        right = None if b is None else self._operand(b)
        return self._node(Entry(operation, self._operand(a), right))

    def _operand(self, value: Operand) -> int:
        if isinstance(value, Node):
            return value.number
        return self.leaf("literal", float(value)).number

    def _node(self, entry: Entry) -> Node:
        if entry not in self.known:
            self.known[entry] = len(self.entries)
            self.entries.append(entry)
        return Node(self, self.known[entry])

    def namespace(self) -> Namespace:
        """Give the namespace that records instead of computing."""
        return Namespace(
            fmax=lambda a, b: self.record("fmax", a, b),
            maximum=lambda a, b: self.record("maximum", a, b),
            minimum=lambda a, b: self.record("minimum", a, b),
            fabs=lambda a: self.record("absolute", a),
            index=lambda a: self.record("index", a),
            take=lambda table, index: self.record("take", table, index),
        )


class Instruction(NamedTuple):
    """One operation, its operands and the register of its result."""

    operation: str
    a: Place
    b: Place | None
    register: int


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A recorded step.

    Attributes:
        instructions: In order.
        registers: How many floating registers they need.
        inputs: The register each input is expected in.
        outputs: The register each output is found in.
    """

    instructions: tuple[Instruction, ...]
    registers: int
    inputs: dict[str, int]
    outputs: dict[str, int]


def trace(
    function: Callable[[Tape], dict[str, Value]], inputs: Sequence[str], carried: Sequence[str]
) -> Program:
    """Record a function and give its results registers.

    Args:
        function: Called with a fresh tape; returns its outputs by name.
        inputs: Inputs, each given a register of its own.
        carried: Outputs that are to be left in the register of the input of the same name.

    Returns:
        The program; replayed, it changes the carried inputs' registers and keeps the others.
    """
    tape = Tape()
    outputs = {name: node.number for name, node in function(tape).items()}
    home = {name: register for register, name in enumerate(inputs)}
    allocation = _Allocation(tape.entries, home, {outputs[name]: home[name] for name in carried})
    last_use = _last_uses(tape.entries, set(outputs.values()))
    instructions = [
        allocation.assign(number, last_use)
        for number, entry in enumerate(tape.entries)
        if number in last_use and entry.operation not in LEAVES
    ]
    for name in carried:  # a value that could not be born at home moves there last
        register = allocation.place[outputs[name]]
        if register != home[name]:
            instructions.append(Instruction("positive", ("register", register), None, home[name]))
            allocation.place[outputs[name]] = home[name]
    return Program(
        instructions=tuple(instructions),
        registers=allocation.count,
        inputs=home,
        outputs={name: allocation.place[number] for name, number in outputs.items()},
    )


class _Allocation:
    """Which register holds which value while the instructions are written down in order."""

    def __init__(
        self, entries: Sequence[Entry], home: dict[str, int], wanted: dict[int, int]
    ) -> None:
        self.entries, self.wanted = entries, wanted
        self.count = self.homes = len(home)
        self.free: list[int] = []
        self.place = {
            number: home[str(entry.a)]
            for number, entry in enumerate(entries)
            if entry.operation == "input"
        }
        self.owner = {register: number for number, register in self.place.items()}

    def assign(self, number: int, last_use: dict[int, int]) -> Instruction:
        """Give the value of an entry a register, reusing those whose values are spent."""
        entry = self.entries[number]
        operands = [operand for operand in (entry.a, entry.b) if isinstance(operand, int)]
        places = [self._where(operand) for operand in operands]
        for operand in set(operands):
            register = self.place.get(operand, -1)
            if last_use[operand] == number and register >= self.homes:
                self.free.append(register)
        target = self.wanted.get(number, -1)
        if target < 0 or last_use.get(self.owner.get(target, -1), -1) > number:
            target = self.free.pop() if self.free else self.count
            self.count = max(self.count, target + 1)
        self.place[number], self.owner[target] = target, number
        return Instruction(
            entry.operation, places[0], places[1] if len(places) > 1 else None, target
        )

    def _where(self, operand: int) -> Place:
        entry = self.entries[operand]
        if entry.operation in LEAVES and entry.operation != "input":
            return entry.operation, entry.a
        return "register", self.place[operand]


def _last_uses(entries: Sequence[Entry], outputs: set[int]) -> dict[int, int]:
    """Find where each value is last read; a value missing here is never needed."""
    last_use = dict.fromkeys(outputs, len(entries))
    for number in reversed(range(len(entries))):
        if number in last_use and entries[number].operation not in LEAVES:
            for operand in (entries[number].a, entries[number].b):
                if isinstance(operand, int):
                    last_use.setdefault(operand, number)
    return last_use
