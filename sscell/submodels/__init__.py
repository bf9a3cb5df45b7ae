"""Physics parts: each a final `pybamm.BaseSubModel`; they do not import each other."""
