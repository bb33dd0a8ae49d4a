"""CAN as a vehicle speaks it: values into frames, by a database."""
