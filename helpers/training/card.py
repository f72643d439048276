"""The model card that stands beside shipped weights."""

from __future__ import annotations

import json
import os
from pathlib import Path

import torch

from helpers.data.scenes import SCENE_CLASSES
from helpers.training.evaluation import Evaluation
from helpers.training.options import TEST_SERIES, TRAINING_SERIES, TrainingOptions
from helpers.training.robustness import RobustnessEvaluation

_CARD = """# {name}: a small classifier of scenes

**What.** A {kind} that names the object of a procedural scene (the largest one, where there are
several): {classes}.
It is what the book's quick profile explains: small enough to be asked many thousand times a minute on a laptop,
good enough that its reasons are worth asking for.

**Architecture.** timm's `{architecture}` with arguments
`{arguments}`;
{parameters:,} parameters. It takes pixels in [0, 1]; mean {mean} and standard deviation {std} of every channel are in
the file's metadata, and `helpers.classifiers.load_classifier("{name}")` applies them. The answer is the softmax of
the logits.

**Data.** Scenes of `helpers.data.scenes` at {size} px: {single:,} with one object and {double:,} with two (the label is
the class of the larger one), series {training_series}; no planted mark. Each batch is resized to one of
{sizes} px, in the last quarter of training it stays at {size} px. Images are mirrored, varied in
brightness and contrast, and a fifth have their colour channels permuted.

**Noise.** {noise_share:.0%} of each batch is replaced by noise of several scales, with all classes equally right:
without this the network answers to noise with one favourite class, and explaining that class by "keep little, put
noise elsewhere" would be empty. {hidden}

{tokens}**Training.** {epochs} epochs of {method} (rate {learning_rate}, weight decay {weight_decay}, one cycle),
batches of {batch}, {minutes:.0f} minutes on {threads} CPU threads ({device}), seed {seed}:

    {command}

**Held-out accuracy.** {count:,} scenes with one object, series {test_series}, which training never draws from:

| | |
|---|---|
| accuracy | {accuracy:.4f} |
| 95 % interval (Wilson) | {low:.4f} to {high:.4f} |
| mean confidence | {confidence:.3f} |
| share of scenes with confidence at least 0.9 | {confident:.3f} |
| expected calibration error, 15 bins | {calibration_error:.4f} |

| class | accuracy | share of the answers to pure noise |
|---|---|---|
{rows}

On noise that has an image's mean and spread, the largest probability is {noise_confidence:.2f} on average, and that of
the image's own class {noise_target:.2f}.

**Where it begins to fail.** {stress_count:,} scenes each, one object unless said otherwise:

| condition | accuracy |
|---|---|
{stress_rows}

**Limits.** It knows the shapes of `helpers.data.scenes` and nothing else; on photographs its answers mean nothing, however
sure they are. With three or four objects, and far from {size} px, it is much less
reliable than the headline says. {calm}

**File.** `{name}.safetensors`, float32, {megabytes:.2f} MB, MIT licence like the book.
SHA-256 `{digest}`
"""
_CALM_WITH_A_PRICE = """Its calm on noise was trained in, and has a price: noise around a whole, untouched
object is often enough to make it undecided (the table above). So an explanation by noise may have to keep more than
the object; that says something about the network, not about the object."""
_CALM = """Its calm on noise was trained in; a whole, untouched object amid noise it still
names {:.0%} of the time (the table above)."""
_TOKENS = """**Patches.** While it was trained, a linear layer, which is not shipped, asked the token of each patch for
the class of what its patch shows, or for the background (token labelling; a second loss of weight {:g}): with one label
an image alone, a transformer of this size would need many more scenes.

"""
_METHODS = {
    "adamw": "AdamW",
    "muon": "Muon, at ten times the rate, on the matrices of the blocks and AdamW on the rest",
}
_HIDDEN = "Of a further {:.0%} of each batch a part is hidden by noise, the label kept."


def write_card(
    path: Path,
    *,
    weights: Path,
    digest: str,
    options: TrainingOptions,
    evaluation: Evaluation,
    stress: RobustnessEvaluation,
    parameters: int,
    normaliser: tuple[float, float],
    seconds: float,
    device: str,
    command: str,
) -> None:
    """Write the card of `weights`, whole or not at all; every number in it comes from the run."""
    rows = "\n".join(
        f"| {name} | {evaluation.by_class[name]:.3f} | {evaluation.noise_answers[name]:.3f} |" for name in SCENE_CLASSES
    )
    low, high = evaluation.interval
    text = _CARD.format(
        **{**vars(options), "sizes": ", ".join(map(str, options.sizes))},
        **vars(evaluation),
        name=weights.stem,
        classes=", ".join(SCENE_CLASSES),
        arguments=json.dumps(options.model_args),
        parameters=parameters,
        mean=normaliser[0],
        std=normaliser[1],
        training_series=TRAINING_SERIES + options.seed,
        test_series=TEST_SERIES,
        minutes=seconds / 60,
        threads=torch.get_num_threads(),
        device=device,
        command=command,
        low=low,
        high=high,
        rows=rows,
        kind=_kind(options),
        calm=_CALM_WITH_A_PRICE if stress.object_in_noise < 0.8 else _CALM.format(stress.object_in_noise),
        method=_METHODS[options.optimiser],
        tokens=_TOKENS.format(options.token_weight) if options.token_weight else "",
        hidden=_HIDDEN.format(options.hidden_share) if options.hidden_share else "No image is hidden in part.",
        stress_count=stress.count,
        stress_rows="\n".join(f"| {condition} | {accuracy:.3f} |" for condition, accuracy in _conditions(stress)),
        megabytes=weights.stat().st_size / 1e6,
        digest=digest,
    )
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)


def _kind(options: TrainingOptions) -> str:
    """What sort of network it is, in words."""
    if "patch_size" not in options.model_args:
        return "convolutional network"
    given = options.model_args
    side = options.size // given["patch_size"]
    return (
        f"vision transformer ({side} x {side} patches of {given['patch_size']} px and a class token, {given['depth']} "
        f"layers of {given['num_heads']} heads)"
    )


def _conditions(stress: RobustnessEvaluation) -> list[tuple[str, float]]:
    """The conditions of a stress test in words, with their accuracies."""
    return [
        *((f"{number} objects", accuracy) for number, accuracy in stress.by_objects.items()),
        *((f"Gaussian noise of standard deviation {level} added", a) for level, a in stress.by_noise.items()),
        ("everything but the object replaced by noise", stress.object_in_noise),
        *((f"painted at {side} px", accuracy) for side, accuracy in stress.by_size.items()),
    ]
