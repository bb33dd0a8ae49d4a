"""A clock that moves when it is told to."""


class TestClock:
    __test__ = False

    def __init__(self, unix_second=1_800_000_000.0):
        self.passed = 0.0
        self.unix_at_start = unix_second

    def unix_second(self):
        return self.unix_at_start + self.passed

    def monotonic_second(self):
        return self.passed

    def sleep(self, second):
        self.passed += second

    def jump(self, second):
        """Set the wall clock, as a time server does; intervals do not notice."""
        self.unix_at_start += second
