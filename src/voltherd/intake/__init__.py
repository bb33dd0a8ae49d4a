"""A raw table of vendor columns in, a canonical batch and an account of every change out."""
