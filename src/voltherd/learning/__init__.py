"""Models learned from recorded cells: health from charges and pulses, choice of features."""
