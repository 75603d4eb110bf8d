"""Evidence for and against a detector: traces with truth, independent of any detector.

    from benchmarks.evidence import envelope
    for trace in envelope.grid("dev"):
        ...

Every module yields `trace.Trace` values and takes a split: "dev" to fit on, "held" to judge by. Seeds, people
and source recordings of the two never meet.
"""
