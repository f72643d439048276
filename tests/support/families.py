"""One small network of every family of timm and torchvision, and what Grad-CAM and rollout make of it."""

from __future__ import annotations

from typing import Any

import timm
import torchvision

_TINY = {"depth": 2, "embed_dim": 48, "num_heads": 3}  # of a transformer
_SMALL_TINY = {**_TINY, "img_size": 64}

TIMM: dict[str, tuple[str, dict[str, Any]]] = {
    "beit": ("beit_base_patch16_224", _SMALL_TINY),
    "byoanet": ("botnet26t_256", {}),
    "byobnet": ("test_byobnet", {}),
    "cait": ("cait_xxs24_224", {"img_size": 64, "depth": 2}),
    "coat": ("coat_tiny", {"img_size": 64}),
    "convit": ("convit_tiny", {"img_size": 64}),
    "convmixer": ("convmixer_768_32", {}),
    "convnext": ("test_convnext", {}),
    "cpubone": ("cpubone_nano", {}),
    "crossvit": ("crossvit_tiny_240", {}),
    "csatv2": ("csatv2", {}),
    "cspnet": ("cs3darknet_focus_s", {}),
    "cspnext": ("cspnext_tiny", {}),
    "davit": ("davit_tiny", {}),
    "deepseek_vit": ("deepseek_vit_412m", {"depth": 2, "embed_dim": 64, "num_heads": 2}),
    "deit": ("deit_tiny_patch16_224", {"depth": 2, "img_size": 64}),
    "densenet": ("densenet121", {}),
    "dla": ("dla46_c", {}),
    "dpn": ("dpn48b", {}),
    "edgenext": ("edgenext_xx_small", {}),
    "efficientformer": ("efficientformer_l1", {}),
    "efficientformer_v2": ("efficientformerv2_s0", {}),
    "efficientnet": ("test_efficientnet", {}),
    "efficientvim": ("efficientvim_m1", {}),
    "efficientvit_mit": ("efficientvit_b0", {}),
    "efficientvit_msra": ("efficientvit_m0", {}),
    "eva": ("eva02_tiny_patch14_224", {"img_size": 56, "depth": 2}),
    "fasternet": ("fasternet_t0", {}),
    "fastvit": ("fastvit_t8", {}),
    "focalnet": ("focalnet_tiny_srf", {}),
    "gcvit": ("gcvit_xxtiny", {"img_size": 64}),
    "gemma4_vit": ("gemma4_vit_167m", {"depth": 2, "embed_dim": 64, "num_heads": 2}),
    "ghostnet": ("ghostnet_050", {}),
    "hardcorenas": ("hardcorenas_b", {}),
    "hgnet": ("hgnetv2_b0", {}),
    "hiera": ("hiera_tiny_224", {}),
    "hieradet_sam2": ("sam2_hiera_tiny", {}),
    "hrnet": ("hrnet_w18_small", {}),
    "iformer": ("iformer_t", {}),
    "inception_next": ("inception_next_atto", {}),
    "inception_resnet_v2": ("inception_resnet_v2", {}),
    "inception_v3": ("inception_v3", {}),
    "inception_v4": ("inception_v4", {}),
    "lcnetv2": ("lcnetv2_small", {}),
    "levit": ("levit_128s", {}),
    "lowformer": ("lowformer_b0", {}),
    "mambaout": ("test_mambaout", {}),
    "maxxvit": ("test_coatnet", {}),
    "metaformer": ("poolformer_s12", {}),
    "mlp_mixer": ("gmlp_ti16_224", {"img_size": 64}),
    "mobilenetv3": ("mobilenetv3_small_050", {}),
    "mobilenetv5": ("mobilenetv5_base", {"channel_multiplier": 0.25}),
    "mobilevit": ("mobilevit_xxs", {}),
    "mvitv2": ("mvitv2_tiny", {"img_size": 64}),
    "naflexvit": ("naflexvit_base_patch16_siglip", _TINY),
    "nasnet": ("nasnetalarge", {"num_features": 672, "channel_multiplier": 2, "stem_size": 32}),
    "nest": ("nest_tiny", {}),
    "nextvit": ("nextvit_small", {}),
    "nfnet": ("test_nfnet", {}),
    "pit": ("pit_ti_224", {}),
    "pnasnet": ("pnasnet5large", {}),
    "pvt_v2": ("pvt_v2_b0", {}),
    "qwen3_vit": ("qwen3_vit_88m", {"depth": 2, "embed_dim": 64, "num_heads": 2}),
    "rdnet": ("rdnet_tiny", {}),
    "regnet": ("regnetx_002", {}),
    "repghost": ("repghostnet_050", {}),
    "repvit": ("repvit_m1", {}),
    "res2net": ("res2next50", {}),
    "resnest": ("resnest14d", {}),
    "resnet": ("test_resnet", {}),
    "resnetv2": ("resnetv2_18", {}),
    "rexnet": ("rexnet_100", {}),
    "selecsls": ("selecsls42", {}),
    "senet": ("legacy_seresnet18", {}),
    "sequencer": ("sequencer2d_s", {}),
    "shvit": ("shvit_s1", {}),
    "sknet": ("skresnet18", {}),
    "starnet": ("starnet_s050", {}),
    "swiftformer": ("swiftformer_xs", {}),
    "swin_transformer": ("swin_tiny_patch4_window7_224", {"img_size": 64}),
    "swin_transformer_v2": ("swinv2_tiny_window8_256", {"img_size": 64}),
    "swin_transformer_v2_cr": ("swinv2_cr_tiny_224", {}),
    "tiny_vit": ("tiny_vit_5m_224", {}),
    "tnt": ("tnt_s_legacy_patch16_224", {}),
    "tresnet": ("tresnet_m", {}),
    "twins": ("twins_svt_small", {}),
    "vgg": ("vgg11", {}),
    "visformer": ("visformer_tiny", {}),
    "vision_transformer": ("test_vit", {}),
    "vision_transformer_hybrid": ("vit_tiny_r_s16_p8_224", {"img_size": 64}),
    "vision_transformer_relpos": ("test_vit_relpos", {}),
    "vision_transformer_sam": ("samvit_base_patch16_224", _SMALL_TINY),
    "vitamin": ("vitamin_small_224", {}),
    "volo": ("volo_d1_224", {}),
    "vovnet": ("ese_vovnet19b_slim_dw", {}),
    "xception": ("legacy_xception", {}),
    "xception_aligned": ("xception41p", {}),
    "xcit": ("xcit_nano_12_p16_224", {"img_size": 64}),
}
TORCHVISION: dict[str, tuple[str, dict[str, Any]]] = {
    "alexnet": ("alexnet", {}),
    "convnext": ("convnext_tiny", {}),
    "densenet": ("densenet121", {}),
    "efficientnet": ("efficientnet_b0", {}),
    "googlenet": ("googlenet", {}),
    "inception": ("inception_v3", {}),
    "maxvit": ("maxvit_t", {}),
    "mnasnet": ("mnasnet0_5", {}),
    "mobilenetv2": ("mobilenet_v2", {}),
    "mobilenetv3": ("mobilenet_v3_small", {}),
    "regnet": ("regnet_y_400mf", {}),
    "resnet": ("resnet18", {}),
    "shufflenetv2": ("shufflenet_v2_x0_5", {}),
    "squeezenet": ("squeezenet1_1", {}),
    "swin_transformer": ("swin_t", {}),
    "vgg": ("vgg11", {}),
    "vision_transformer": ("vit_b_16", {"image_size": 64}),
}
FAMILIES = {f"timm/{family}": network for family, network in TIMM.items()} | {
    f"torchvision/{family}": network for family, network in TORCHVISION.items()
}

QUICK = {  # a second or less each; the others are left to the slow tests
    "timm/efficientnet",
    "timm/maxxvit",
    "timm/resnet",
    "timm/vision_transformer",
    "torchvision/squeezenet",
    "timm/deit",
}


def families() -> set[str]:
    """All families of the installed libraries: the modules that hold image classifiers."""
    builders = [
        torchvision.models.get_model_builder(n) for n in torchvision.models.list_models(module=torchvision.models)
    ]
    modules = {f"torchvision/{builder.__module__.rpartition('.')[2]}" for builder in builders}
    return modules | {f"timm/{module}" for module in timm.list_modules()}
