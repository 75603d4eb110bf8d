"""From samples to tension, repetitions and metrics: streaming objects with `push`, and their offline twins."""
