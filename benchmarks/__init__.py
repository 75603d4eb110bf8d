"""Benchmarks: accuracy against known truth, and speed as ratios measured side by side in one run."""
