"""What the worker processes do: each function is one question or one run."""
