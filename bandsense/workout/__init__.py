"""Samples in, events out: sets, repetitions, advice and cues. No input or output, no clock of its own."""
