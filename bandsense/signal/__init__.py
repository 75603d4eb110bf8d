"""From samples to tension, repetitions and metrics: streaming objects, and their offline twins."""
