"""The tables of the benchmark: an entry of the registry for each."""

from __future__ import annotations

from helpers.results.table_entry import Table

BENCHMARK_TABLES: tuple[Table, ...] = (
    Table(
        "metric-examination",
        "helpers.benchmark.table:examination_table",
        common=("seed", "images", "classifier"),
        inputs="helpers.benchmark.table:examination_inputs",
        on_request=True,
    ),
    Table(
        "benchmark-scores",
        "helpers.benchmark.contest:score_table",
        common=("seed", "images", "classifier"),
        inputs="helpers.benchmark.table:score_inputs",
        on_request=True,
    ),
    Table(
        "rendered-deletion",
        "helpers.benchmark.table:rendered_table",
        common=("seed", "images"),
        inputs="helpers.benchmark.table:rendered_inputs",
        on_request=True,
    ),
    Table(
        "benchmark-tuning",
        "helpers.benchmark.runs:tuning_table",
        common=("seed", "images", "classifier"),
        inputs="helpers.benchmark.runs:run_inputs",
        on_request=True,
    ),
    Table(
        "benchmark",
        "helpers.benchmark.runs:benchmark_table",
        common=("seed", "images", "classifier"),
        reads=("benchmark-tuning",),
        inputs="helpers.benchmark.runs:run_inputs",
        on_request=True,
    ),
    Table(
        "benchmark-gallery",
        "helpers.chapters.which_number.gallery:gallery_table",
        common=("seed", "images", "classifier"),
        reads=("benchmark-tuning",),
        after=("benchmark",),
        inputs="helpers.benchmark.runs:run_inputs",
        on_request=True,
    ),
    *(
        Table(
            f"benchmark-{name}",
            f"helpers.benchmark.summaries:{name}_of_study",
            common=("images", "classifier"),
            reads=("benchmark",),
            on_request=True,
        )
        for name in ("clusters", "correlations", "answers")
    ),
    Table(
        "benchmark-planted",
        "helpers.benchmark.planted:planted_table",
        common=("seed", "images.size"),
        reads=("benchmark-tuning",),
        inputs="helpers.benchmark.planted:planted_inputs",
        on_request=True,
    ),
    Table(
        "quantus",
        "helpers.benchmark.outside_tables:quantus_table",
        common=("seed", "images", "classifier"),
        reads=("benchmark-tuning",),
        on_request=True,
    ),
    Table(
        "quantus-values",
        "helpers.benchmark.outside_tables:value_table",
        common=("seed", "images", "classifier"),
        on_request=True,
    ),
    *(
        Table(
            name,
            f"helpers.benchmark.{function}",
            common=("seed", "images", "classifier"),
            inputs="helpers.benchmark.table:score_inputs",
            on_request=True,
        )
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
