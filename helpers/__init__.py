"""The package behind *Keep What Matters*: explanation methods, their data, experiments and figures."""

from helpers.core.clones import hand_over
from helpers.core.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "AttentionRollout": "helpers.methods.rollout.method",
        "CartoonX": "helpers.methods.rde.methods",
        "PixelRDE": "helpers.methods.rde.methods",
        "RISE": "helpers.methods.baselines.rise",
        "ShearletX": "helpers.methods.rde.shearlets",
        "WAM": "helpers.methods.baselines.wam",
        "WaveletX": "helpers.methods.rde.shearlets",
        "check": "helpers.teaching.checks.verdicts",
        "explain_at": "helpers.methods.rde.path",
        "explain_from_prediction": "helpers.methods.initial_masks.warm",
        "load_classifier": "helpers.classifiers.loading",
        "load_explainer": "helpers.methods.explainer.files",
        "load_image": "helpers.data.images",
        "load_labelled": "helpers.data.labelled.loading",
        "load_profile": "helpers.profiles",
        "load_space_vae": "helpers.methods.space_vae.files",
        "make_scenes": "helpers.data.scenes.scenes",
        "train_explainer": "helpers.methods.explainer.training",
        "train_mask_network": "helpers.methods.initial_masks.training",
        "train_space_vae": "helpers.methods.space_vae.training",
    },
)

hand_over(globals())  # to the clone of a notebook
