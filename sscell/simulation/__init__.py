"""A cell through a protocol, to a dataset."""
