"""Submodels of the parts of a cell, and what composes them."""
