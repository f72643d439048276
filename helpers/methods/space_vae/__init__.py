"""SpaCE-VAE: an auto-encoder whose sparse images a classifier still recognises (Liu & Hess)."""

from helpers.methods.space_vae.files import SpaceVAEFile, load_space_vae, read_space_vae, save_space_vae
from helpers.methods.space_vae.loss import SpaceVAELoss
from helpers.methods.space_vae.method import SpaceVAE
from helpers.methods.space_vae.network import SpaceVAENetwork
from helpers.methods.space_vae.options import LossOptions, NetworkOptions, SpaceVAEOptions
from helpers.methods.space_vae.quantiser import VectorQuantiser
from helpers.methods.space_vae.train import SpaceVAETraining, train_space_vae

__all__ = [
    "LossOptions",
    "NetworkOptions",
    "SpaceVAE",
    "SpaceVAEFile",
    "SpaceVAELoss",
    "SpaceVAENetwork",
    "SpaceVAEOptions",
    "SpaceVAETraining",
    "VectorQuantiser",
    "load_space_vae",
    "read_space_vae",
    "save_space_vae",
    "train_space_vae",
]
