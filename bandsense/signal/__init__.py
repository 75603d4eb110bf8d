"""From samples to tension, repetitions and metrics: streaming objects, and their offline twins.

What to read, in this order; each file begins with what it is about.

    the stream     detector (the picture of the whole), events; sample_times, filters, history
    the sensor     sense_checks, with windows, converter, direction, zero_drift and zero_jumps; zero
    the movements  ticks, surroundings, turning_points, measures
    the model      laws/, explanation, explanations, corrections
    the count      weighing, told, announcer, uncounted
    the telling    narrator, with boundaries, peaks, ranges and band_loss
    afterwards     analysis, refine
    the figures    metrics, metric_contract; isometric
"""
