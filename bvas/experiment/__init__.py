"""Experiments: every configuration value, configs by name, and checkpoints."""
