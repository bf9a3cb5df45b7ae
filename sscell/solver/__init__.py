"""Functions of a built model and their integration; knows no cell."""
