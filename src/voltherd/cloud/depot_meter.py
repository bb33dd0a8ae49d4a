"""The connection's meter as a site file names it."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from voltherd.wire.modbus import Kind, RegisterValue, Table

Address = Annotated[int, Field(ge=0, le=65_534)]


class RegisterSection(BaseModel):
    """Where a value stands in the meter."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    address: Address
    kind: Kind = "float32"
    scale: float = 1.0
    """What one count is worth, in the unit that the value's name ends in."""
    table: Table = "holding"
    low_word_first: bool = False


class MeterSection(BaseModel):
    """A meter behind Modbus TCP; imports are positive."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    host: str
    port: Annotated[int, Field(ge=1, le=65_535)] = 502
    unit: Annotated[int, Field(ge=0, le=255)] = 1
    registers: Annotated[dict[str, RegisterSection], Field(min_length=1)]
    """By name: ``current_l1_ampere`` …, ``power_watt``, ``energy_import_wh``."""

    def values(self) -> dict[str, RegisterValue]:
        """Give what is read, by name."""
        return {name: RegisterValue(**dict(each)) for name, each in self.registers.items()}
