"""The model card that stands beside a mask network's weights."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import torch

from helpers.methods.initial_masks.evaluation import mean_interval, paired_difference
from helpers.methods.initial_masks.learned import CAUTION, LEARNED_RATE, LOOKS, MIX, ONES_RATE
from helpers.methods.initial_masks.options import HELD_OUT_SERIES, TRAINING_SERIES, MaskTrainingOptions
from helpers.methods.initial_masks.train import MaskTraining
from helpers.methods.rde import RateDistortionExplainer

_CARD = """# {name}: a network that predicts masks

**What.** It looks at an image and predicts the {where} mask that {method} would optimise for the classifier
`{classifier}`: a start for the optimisation (`helpers.methods.initial_masks.starting_mask("learned", ...)`), and by itself an
explanation in one forward pass. The price λk is an input.

**Architecture.** `helpers.methods.initial_masks.MaskNetwork`: an encoder and decoder on the grids of the {where} bands, widths
{widths}; {parameters:,} parameters. At its first look it sees the image alone; shown its own mask and the distortion's
gradient there, it looks again. {looks} looks in training.

**Data.** {data} No target masks: the rate-distortion objective itself is the loss, its gradient estimated on one
antithetic pair of noise draws a look. λk is log-uniform between {low:g} and {high:g}, drawn for each image. The
distortion is risk-averse (`helpers.methods.initial_masks.learned.risk_gradient`, β = {risk:g}), because too sparse a start is not
recoverable. For the same reason the price of an image's mask entries falls with the evidence that is lost, and λk
rises from {gentle:.0%} of itself to its whole over the first {ramp:.0%} of the steps.

**Training.** {steps:,} steps of AdamW (rate {learning_rate}, weight decay {weight_decay}, one cycle), {batch} images of
{smallest} px a step or as many pixels of larger ones, {minutes:.0f} minutes on {threads} CPU thread(s) ({device}) of a
machine that did other work too, seed {seed}:

    {command}

**How good alone, and as a start.** {count} held-out images{held_out}, λk = {weight:g}, objective = distortion +
λk · mean(mask), smaller is better; the steps are those of the fast recipe (one antithetic pair, Lion), with a cosine
from {ones_rate} from ones, {learned_rate} from the learned start; 200 steps with the fast recipe's own. "one look" is
the bare prediction of one forward pass, "{look_count} looks" the bare prediction too; "learned" is the start, for
λk / {lambda_shrink:g} and with {mix:.0%} of ones mixed in. Differences are paired, with 95 % bootstrap intervals.

{tables}

**Time.** At {smallest} px an image, in a batch of 8 on {threads} thread(s): {times}.

**Limits.** It knows this classifier, the predicted class, and images like those it was trained on at {smallest} to
{largest} px; elsewhere its masks mean little. Its bare prediction is coarser than an optimised mask. A λk outside its
range is moved to the nearer end.

**File.** `{name}.safetensors`, float32, {megabytes:.2f} MB, MIT licence like the book.
SHA-256 `{digest}`
"""

_DATA = {
    "scenes": "Scenes of `helpers.data.scenes` with one or two objects: {images:,} at each of {sizes} px ({shares} of the "
    "batches), series {series} + size, half of them mirrored.",
    "photographs": "The {images:,} photographs of `imagenet-samples/rest` (never those of `study`), stretched, cropped "
    "to {sizes} px, half of them mirrored.",
}


def write_card(
    path: Path,
    *,
    weights: Path,
    digest: str,
    options: MaskTrainingOptions,
    method: RateDistortionExplainer,
    tables: Mapping[int, pd.DataFrame],
    times: Mapping[str, float],
    training: MaskTraining,
    command: str,
) -> None:
    """Write the card of `weights`, whole or not at all; every number in it comes from the run."""
    wavelets = options.network.representation == "wavelets"
    data = _DATA[options.source].format(
        images=options.images,
        sizes=", ".join(map(str, options.sizes)),
        shares=", ".join(f"{share:.0%}" for share in options.sizes.values()),
        series=TRAINING_SERIES + 1000 * options.seed,
    )
    text = _CARD.format(
        **vars(options),
        name=weights.stem,
        where="wavelet" if wavelets else "pixel",
        method=type(method).__name__,
        widths=", ".join(map(str, options.network.widths)),
        parameters=sum(parameter.numel() for parameter in training.module.network.parameters()),
        data=data,
        low=options.network.weights[0],
        high=options.network.weights[1],
        smallest=min(options.sizes),
        largest=max(options.sizes),
        minutes=training.seconds / 60,
        threads=torch.get_num_threads(),
        device=training.device,
        command=command,
        count=max(table["image"].nunique() for table in tables.values()),
        look_count=LOOKS,
        lambda_shrink=CAUTION,
        mix=MIX,
        ones_rate=ONES_RATE,
        learned_rate=LEARNED_RATE,
        held_out=f" (series {HELD_OUT_SERIES})" if options.source == "scenes" else " (photographs of `study`)",
        weight=method.options.sparsity_weight,
        tables="\n\n".join(_size_table(size, table) for size, table in tables.items()),
        times=", ".join(f"{name} {1000 * seconds:.1f} ms" for name, seconds in times.items()),
        megabytes=weights.stat().st_size / 1e6,
        digest=digest,
    )
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)


def _size_table(size: int, table: pd.DataFrame) -> str:
    """The mean objective from each start after each number of steps, and the paired difference from ones."""
    lines = [
        f"| {size} px: start | steps | distortion | mean of the mask | objective | less than from ones by |",
        "|---|---|---|---|---|---|",
    ]
    for (start, steps), rows in table.groupby(["start", "steps"], sort=False):
        means = rows[["distortion", "sparsity", "objective"]].mean()
        gain = ""
        if start == "learned":
            mean, low, high = mean_interval(-paired_difference(table, str(start), "ones", int(steps)))
            gain = f"{mean:.3f} ({low:.3f} to {high:.3f})"
        lines.append(
            f"| {start} | {steps} | {means['distortion']:.3f} | {means['sparsity']:.4f} | {means['objective']:.3f} "
            f"| {gain} |"
        )
    return "\n".join(lines)
