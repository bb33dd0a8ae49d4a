"""Depot charging: plans with a certified gap, the guard of limits, stations and their books."""
