"""What can go wrong for reasons outside the code, and how it is told.

::

    VoltherdError                 a message for a person: what, where, and the mend
    ├── UsageError                the request cannot be carried out as asked         (exit 2)
    ├── InputError                data that cannot be used                           (exit 2)
    │   ├── UnreadableError       not readable as the format it claims to be
    │   └── UnrecognisedError     readable, but no telemetry could be recognised in it
    ├── StoreError                the store refused, is damaged or is full           (exit 2)
    └── ServiceError              a service is out of reach                          (exit 3)

A bad measurement is no exception but a ``Quality`` flag; a broken invariant is an ``assert``.
Foreign exceptions are translated where they enter.
"""


class VoltherdError(Exception):
    """An error meant for a person.

    Args:
        what: What is wrong, in one clause.
        where: File, row or column it concerns.
        mend: What the reader can do about it.

    >>> str(InputError("no column looks like a time", where="a.csv", mend="name it with --profile"))
    'a.csv: no column looks like a time; name it with --profile'
    """

    exit_code = 2

    def __init__(self, what: str, *, where: str = "", mend: str = "") -> None:
        self.what = what
        self.where = where
        self.mend = mend
        super().__init__((f"{where}: " if where else "") + what + (f"; {mend}" if mend else ""))


class UsageError(VoltherdError):
    """The request cannot be carried out as asked."""


class InputError(VoltherdError):
    """Data that cannot be used."""


class UnreadableError(InputError):
    """Not readable as the format it claims to be."""


class UnrecognisedError(InputError):
    """Readable, but no telemetry could be recognised in it."""


class StoreError(VoltherdError):
    """The store refused, is damaged, or is full."""


class ServiceError(VoltherdError):
    """A service is out of reach."""

    exit_code = 3
