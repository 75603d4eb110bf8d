"""Evidence for and against a detector: traces with truth, made without any detector.

    from benchmarks.evidence import envelope, score, special
    from benchmarks.evidence.detectors import bandsense, peaks, version_0_1_0

    methods = {"now": bandsense, "0.1.0": version_0_1_0}
    tallies = score.run(special.grid("dev", each=6), methods)
    tallies["now", "partials"].figures()["exact"]

| module | traces | made from |
|---|---|---|
| `envelope` | `grid` (504 cells of valley, peak, period), `cuts` (other axes), `sample` | formulas |
| `splices` | `sample(count, split)` | single real repetitions |
| `movement` | `grid(split)` | real arms (seglearn), a simulated band |
| `rowing` | `grid(split, each)` | strokes of real rowers (rowingdata) |
| `special` | `grid(split, each)`, `make(kind, seed, split)` | formulas, 42 kinds |
| `controls` | `grid(split, each)`, `make(kind, seed, split)` | formulas, 7 kinds |
| `daily` | `grid(split, each)` | real walks and daily life (mobgap), a sensor carried |
| `simulators` | `grid(sets, split)`, `grid_of_controls(each, split)` | the project's two simulators |
| `recordings` | `band()`, `hangs()` | real people, whole recordings |

Every generator takes a split: "dev" to fit on, "held" to judge by. Seeds, people and source recordings of
the two never meet, and nothing is fitted on `rowing` and `daily`. A trace tagged "beyond" is smaller than
what has to be counted; one tagged "coarse" has fewer than five samples a repetition. A method is a function
from `Trace` to `detectors.Count`; `score` judges it.
`python -m benchmarks.evidence.sections` runs every section.
"""
