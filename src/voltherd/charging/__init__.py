"""Depot charging: plans with a certified distance from the best, stations and their books."""
