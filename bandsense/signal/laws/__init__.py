"""How likely a movement is under each explanation: the densities of the model, and their numbers.

Four kinds of movement compete for a trace (`bandsense.signal.explanations` lets them):

    HANDLING  picking up the band, taking position, putting it down: every movement for itself (`handling`)
    STEPS     a rhythm that the body makes while it walks or is driven about (`steps`)
    SET       repetitions: a *series* of movements between a lower level B (base) and an upper level P (peak)
    SWAY      standing on a taut band: a series as well, of small waves upon a large tension; counts nothing

A movement is described by its rise and fall (N), the time since the top before it and the time it spent above
half of its height (both as logarithms of seconds). The laws give natural logarithms of probability densities
over these four numbers, so that explanations of the same trace can be compared by their sums.

A series (`series`) learns: its levels, its width and interval, and two habits. *Even* is the probability that
its levels repeat closely, *steady* the probability that its tempo does. Each habit is a mixture of a narrow
and a wide law, filtered by Bayes' rule inside the series. What begins one is judged in `priors`, a movement
inside one in `repetitions`, with its `tempo` and its `dips`, and small movements between them in `ripples`:
by their likeness to the series, never by newtons. Newtons appear only in the broad priors of a series' size,
which are worth a few nats at most.

All of them take the numbers of the model (`numbers`) as `k`. They are fitted: `python -m benchmarks.fit`
writes `numbers.json`.
"""
