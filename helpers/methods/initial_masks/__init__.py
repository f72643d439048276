"""Initial masks: where the optimisation of a rate-distortion explanation starts."""

from helpers.methods.initial_masks.constant import constant_mask
from helpers.methods.initial_masks.files import MaskFile, load_mask_network, mask_network_names, save_mask_network
from helpers.methods.initial_masks.foreground import foreground_mask, grabcut
from helpers.methods.initial_masks.learned import learned_mask
from helpers.methods.initial_masks.network import MaskNetwork, NetworkOptions
from helpers.methods.initial_masks.starting import MASK_NAMES, starting_mask
from helpers.methods.initial_masks.warm import WARM_START, explain_from_prediction

__all__ = [
    "MASK_NAMES",
    "WARM_START",
    "MaskFile",
    "MaskNetwork",
    "NetworkOptions",
    "constant_mask",
    "explain_from_prediction",
    "foreground_mask",
    "grabcut",
    "learned_mask",
    "load_mask_network",
    "mask_network_names",
    "save_mask_network",
    "starting_mask",
]
