"""The registry of tables: every table of numbers that a profile can have, by name.

The command line, the Snakefile, the registry of figures and the pages take the names from here. Functions are given as
strings, so that reading the registry imports nothing.
"""

from __future__ import annotations

from helpers.core.names import known_names
from helpers.results.benchmark_tables import BENCHMARK_TABLES
from helpers.results.table_entry import Paper, Table


def _recartoonx(name: str, make: str, **fields: object) -> Table:
    return Table(name, f"helpers.papers.recartoonx.experiments.{make}", **fields)  # type: ignore[arg-type]


def _explainer(name: str, make: str, **fields: object) -> Table:
    pairs = {"datasets": ("voc2007", "coco2014"), "classifiers": ("vgg16", "resnet50"), **fields}
    name = name if name == "retraining" else f"explainer-{name}"
    return Table(name, f"helpers.papers.explainer.experiments.{make}", **pairs)  # type: ignore[arg-type]


def _space_vae(name: str, make: str, **fields: object) -> Table:
    return Table(f"space-vae-{name}", f"helpers.papers.spacevae.experiments.{make}", **fields)  # type: ignore[arg-type]


_EVALUATION = "explainer.evaluation"
_COUNTS = (f"{_EVALUATION}.images", f"{_EVALUATION}.images_of")
_VOC: dict[str, object] = {"datasets": ("voc2007",)}
_ATTRIBUTIONS = "helpers.papers.spacevae.experiments.competitors:attribution_inputs"
_TRUTH: dict[str, object] = {
    "needs": ("truth",),
    "transformer": True,
    "inputs": "helpers.papers.recartoonx.experiments.truth:truth_inputs",
}
_ONE_PAIR: dict[str, object] = {**_VOC, "classifiers": ("vgg16",)}

_TABLES = (
    _recartoonx("explanations", "explanations:explanation_table"),
    _recartoonx("curves", "curves:both_curve_tables", settings=("curves",), after=("explanations",)),
    _recartoonx("sweep", "sweep:sweep_table", settings=("sweep",)),
    _recartoonx(
        "objectives",
        "objectives:compared_objectives",
        inputs="helpers.papers.recartoonx.experiments.objectives:compared_inputs",
        on_request=True,
    ),
    _recartoonx("recipe-search", "recipe_search:recipe_search_table", on_request=True),
    _recartoonx(
        "accuracy",
        "accuracy:accuracy_table",
        common=("classifier",),
        settings=("images.size", "transformer.classifier", "transformer.size"),
        inputs="helpers.papers.recartoonx.experiments.accuracy:accuracy_inputs",
        on_request=True,
    ),
    _recartoonx("transformer", "transformer:transformer_table", needs=("transformer",), transformer=True),
    _recartoonx(
        "transformer-curves",
        "transformer_curves:transformer_curve_table",
        settings=("curves",),
        after=("transformer",),
        needs=("transformer",),
        transformer=True,
    ),
    _recartoonx(
        "transformer-sweep",
        "transformer:transformer_sweep",
        settings=("sweep",),
        after=("transformer",),
        needs=("transformer",),
        transformer=True,
    ),
    _recartoonx(
        "convergence", "convergence:convergence_table", settings=("search",), needs=("search",), transformer=True
    ),
    _recartoonx(
        "sparsity-weights",
        "sparsity_weights:sparsity_weight_table",
        settings=("search",),
        needs=("search",),
        transformer=True,
    ),
    _recartoonx(
        "initial-masks", "initial_masks:loss_curve_table", settings=("initial_masks",), needs=("initial_masks",)
    ),
    _recartoonx(
        "initial-mask-ends", "initial_masks:loss_end_table", settings=("initial_masks",), needs=("initial_masks",)
    ),
    _recartoonx("truth", "truth:truth_table", settings=("truth",), **_TRUTH),
    _recartoonx("truth-curves", "truth:curve_table", settings=("truth",), after=("truth",), **_TRUTH),
    _recartoonx("family-tuning", "family:tuning_table", settings=("family",), needs=("family",)),
    _recartoonx("family", "family:family_table", settings=("family",), reads=("family-tuning",), needs=("family",)),
    _recartoonx(
        "published-scores",
        "published_scores:published_score_table",
        settings=("family",),
        reads=("family-tuning",),
        after=("family",),
        needs=("family",),
    ),
    Table("gallery", "helpers.chapters.gallery:gallery_table", on_request=True),
    Table("gallery-sweep", "helpers.chapters.gallery:gallery_sweep_table", settings=("sweep",), on_request=True),
    Table(
        "photograph",
        "helpers.chapters.photograph.table:photograph_table",
        settings=("sweep",),
        inputs="helpers.chapters.photograph.table:photograph_inputs",
        on_request=True,
    ),
    Table(
        "photograph-taken-away",
        "helpers.chapters.photograph.taken_away:taken_away_table",
        settings=("sweep",),
        after=("photograph",),
        on_request=True,
    ),
    *BENCHMARK_TABLES,
    Table("photograph-family", "helpers.chapters.photograph.family:family_table", on_request=True),
    _explainer(
        "class-scores",
        "class_scores:class_score_table",
        methods=("explainer", "grad-cam", "rise", "rtis"),
        settings=(f"{_EVALUATION}.scores", f"{_EVALUATION}.thresholds", f"{_EVALUATION}.images_of"),
        images=("test",),
        **_ONE_PAIR,
    ),
    _explainer("segmentation", "segmentation:segmentation_table", methods="all", settings=_COUNTS),
    _explainer(
        "several-classes",
        "several_classes:class_mask_table",
        methods=("explainer", "grad-cam", "extremal-perturbation"),
        settings=_COUNTS,
        after=("explainer-segmentation",),
        figures=(("voc2007", "vgg16", "explainer-fig1"),),
        **_ONE_PAIR,
    ),
    _explainer(
        "comparison",
        "comparison:comparison_table",
        methods=("grad-cam", "rise", "extremal-perturbation", "igos++", "rtis", "explainer"),
        settings=_COUNTS,
        after=("explainer-segmentation",),
        figures=(
            ("voc2007", "vgg16", "explainer-fig3"),
            ("voc2007", "resnet50", "explainer-fig6"),
            ("coco2014", "vgg16", "explainer-fig7"),
            ("coco2014", "resnet50", "explainer-fig8"),
        ),
    ),
    _explainer(
        "activations",
        "activations:activation_table",
        methods=("explainer",),
        images=("segmented", "test"),
        figures=(("voc2007", "vgg16", "explainer-fig4"), ("voc2007", "resnet50", "explainer-fig5")),
        **_VOC,
    ),
    _explainer(
        "compute-time", "times:compute_time_table", methods="all", settings=(f"{_EVALUATION}.images",), **_ONE_PAIR
    ),
    _explainer(
        "multilabel-scores",
        "multilabel_scores:multilabel_score_table",
        methods=("explainer",),
        settings=(_EVALUATION,),
        images=("test",),
    ),
    _explainer("classes", "classes:class_table", images=("segmented", "test"), classifiers=("vgg16",)),
    _explainer(
        "class-truth",
        "class_truth:class_truth_table",
        methods="all",
        settings=_COUNTS,
        after=("explainer-segmentation",),
        regions=True,
        **_VOC,
    ),
    _explainer(
        "shortcut",
        "shortcut:shortcut_table",
        methods="all",
        settings=(f"{_EVALUATION}.pairs", "explainer.marked_class"),
        needs=(f"{_EVALUATION}.pairs",),
        scenes=True,
        **_VOC,
    ),
    _explainer(
        "retraining",
        "retraining:retraining_table",
        settings=("explainer.retraining", "explainer.classifiers", "explainer.marked_class"),
        needs=("explainer.retraining",),
        datasets=("voc2007",),
        classifiers=("resnet50",),
        images=(),
        scenes=True,
        on_request=True,
    ),
    _space_vae("sparsity", "sparsity:sparsity_table", inputs=_ATTRIBUTIONS),
    _space_vae("examples", "examples:examples_of_table", reads=("space-vae-sparsity",), inputs=_ATTRIBUTIONS),
    _space_vae("costs", "costs:cost_table"),
    _space_vae("bottleneck", "networks:bottleneck_table"),
    _space_vae("conditioned", "networks:conditioned_table", conditioned=True),
    _space_vae("extensions", "networks:extension_table", scenes=True),
    _space_vae("reference", "reference:reference_table", scenes=True),
    _space_vae(
        "cross-method",
        "cross_method:cross_method_table",
        settings=("cartoonx", "pixel_rde"),
        needs=("space_vae.evaluation.cross_method", "cartoonx"),
        scenes=True,
    ),
    _space_vae(
        "transfer", "transfer:transfer_of_table", reads=("space-vae-sparsity",), inputs=_ATTRIBUTIONS, scenes=True
    ),
    _space_vae(
        "alpha-calibration",
        "alpha_calibration:alpha_calibration_table",
        settings=("space_vae.calibration",),
        networks=False,
        on_request=True,
    ),
)

TABLES: dict[str, Table] = {table.name: table for table in _TABLES}
"""The tables by name, in the order in which they are computed."""

STUDIES: dict[Paper, str] = {
    "recartoonx": "helpers.papers.recartoonx.experiments.study:open_studies",
    "explainer": "helpers.papers.explainer.experiments.pairs:open_studies",
    "spacevae": "helpers.papers.spacevae.experiments.study:open_studies",
}
"""The functions that open a profile's studies of each paper, as "module:function"."""


def find_table(name: str) -> Table:
    """The table of that name.

    Raises:
        ValueError: there is none; the message lists those that exist.
    """
    if name not in TABLES:
        raise ValueError(f"there is no table {name!r}{known_names(name, TABLES, 'the tables are')}")
    return TABLES[name]
