"""A seeded virtual fleet whose faults are known: the truth that detection is measured against."""
