"""How far a pack has come on the way to a thermal runaway, in discrete stages."""

from enum import IntEnum


class Stage(IntEnum):
    """Each is worse than the one before; what counts as which is said in ``docs/thermal.md``."""

    NORMAL = 0
    ABNORMAL_HEATING = 1
    """A place is warmer than its siblings and its own past explain."""
    SELF_HEATING = 2
    """The cell's own reactions heat it; taking the load away no longer helps for sure."""
    VENTING = 3
    """A cell lets gas out."""
    RUNAWAY = 4
    """A cell burns through."""
    PROPAGATION = 5
    """A second cell burns."""

    @property
    def words(self) -> str:
        """The name for people.

        >>> Stage.SELF_HEATING.words
        'self-heating'
        """
        return "self-heating" if self is Stage.SELF_HEATING else self.name.lower().replace("_", " ")
