"""Meters that speak Modbus TCP, read and never written."""
