"""Command lines: parse, load, call, exit code."""
