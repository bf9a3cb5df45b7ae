"""What a parameter set may say of each part of a cell, without the part's equations.

A cell is read, shown and checked by these; the submodels beside this folder, and PyBaMM with
them, are needed only where a model is built.
"""
