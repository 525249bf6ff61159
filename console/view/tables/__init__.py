"""Kinds of rows, one module each: their columns, their details, what of them can be copied."""
