"""The tables of the benchmark: an entry of the registry for each."""

from __future__ import annotations

from typing import Any

from helpers.results.table_entry import Table


def _benchmark(name: str, function: str, *, inputs: str = "", **options: Any) -> Table:
    """An entry whose function, and that of its inputs, lie in helpers.benchmark; made on request."""
    options.setdefault("common", ("seed", "images", "classifier"))
    inputs = inputs and f"helpers.benchmark.{inputs}"
    return Table(name, f"helpers.benchmark.{function}", inputs=inputs, on_request=True, **options)


_RUN = "runs:run_inputs"
_TUNED = ("benchmark-tuning",)

BENCHMARK_TABLES: tuple[Table, ...] = (
    _benchmark("metric-examination", "table:examination_table", inputs="table:examination_inputs"),
    _benchmark("rendered-deletion", "table:rendered_table", common=("seed", "images"), inputs="table:rendered_inputs"),
    _benchmark("benchmark-tuning", "runs:tuning_table", inputs=_RUN),
    _benchmark("benchmark", "runs:benchmark_table", reads=_TUNED, inputs=_RUN),
    Table(
        "benchmark-gallery",
        "helpers.chapters.which_number.gallery:gallery_table",
        common=("seed", "images", "classifier"),
        reads=_TUNED,
        after=("benchmark",),
        inputs=f"helpers.benchmark.{_RUN}",
        on_request=True,
    ),
    *(
        _benchmark(
            f"benchmark-{name}", f"summaries:{name}_of_study", common=("images", "classifier"), reads=("benchmark",)
        )
        for name in ("clusters", "correlations", "answers")
    ),
    _benchmark(
        "benchmark-planted",
        "planted:planted_table",
        common=("seed", "images.size"),
        reads=_TUNED,
        inputs="planted:planted_inputs",
    ),
    _benchmark("quantus", "outside_tables:quantus_table", reads=_TUNED),
    _benchmark("quantus-values", "outside_tables:value_table"),
    _benchmark("quantus-protocols", "outside_protocols:protocol_table", inputs="table:score_inputs"),
    _benchmark("outside-models", "outside_models:outside_models_table", common=("images",)),
    *(
        _benchmark(name, function, inputs="table:score_inputs")
        for name, function in (
            ("method-cost", "cost:cost_table"),
            ("sanity-checks", "sanity:sanity_table"),
            ("stability", "stability:stability_table"),
            ("leakage", "leakage:leakage_table"),
            ("edges-by-method", "edges:edge_table"),
        )
    ),
)
"""The tables in the order in which they are computed."""
