"""Cells as data: parameter sets, where they are kept, and the model they make."""
