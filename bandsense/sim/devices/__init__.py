"""Simulated sensors on the virtual radio."""
