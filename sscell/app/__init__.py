"""The workbench: the package in a browser, on the own machine."""
