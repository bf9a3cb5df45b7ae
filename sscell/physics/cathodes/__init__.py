"""Cathode mechanisms: for each a table and its submodel."""
