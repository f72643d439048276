"""SpaCE-VAE: an auto-encoder whose sparse images a classifier still recognises (Liu & Hess)."""

from helpers.core.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "SpaceVAEFile": "helpers.methods.space_vae.files",
        "load_space_vae": "helpers.methods.space_vae.files",
        "read_space_vae": "helpers.methods.space_vae.files",
        "save_space_vae": "helpers.methods.space_vae.files",
        "SpaceVAELoss": "helpers.methods.space_vae.loss",
        "SpaceVAE": "helpers.methods.space_vae.method",
        "SpaceVAENetwork": "helpers.methods.space_vae.network",
        "LossOptions": "helpers.methods.space_vae.options",
        "NetworkOptions": "helpers.methods.space_vae.options",
        "SpaceVAEOptions": "helpers.methods.space_vae.options",
        "VectorQuantiser": "helpers.methods.space_vae.quantiser",
    },
)
