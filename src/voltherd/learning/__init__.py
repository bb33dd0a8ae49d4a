"""Models learned from recorded cells: health from charges and pulses, and how features are chosen."""
