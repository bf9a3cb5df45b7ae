"""Search methods that know no cell."""
