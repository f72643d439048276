"""The displayed names of methods, datasets and classifiers of "What You See is What You Classify"."""

PAPER_NAMES = {"voc2007": "VOC-2007", "coco2014": "COCO-2014", "vgg16": "VGG-16", "resnet50": "ResNet-50"}

SCENE_NAMES = {
    "voc2007": "scenes A (for VOC-2007)",
    "coco2014": "scenes B (for COCO-2014)",
    "vgg16": "small CNN (for VGG-16)",
    "resnet50": "marked small CNN (for ResNet-50)",
}
"""What a profile of scenes really uses, with the name in the paper. Both networks have the same architecture."""

ANIMAL_NAMES = {
    "voc2007": "VOC's animals",
    "vgg16": "SqueezeNet 1.1 (for VGG-16)",
    "resnet50": "MobileNetV3-Small (for ResNet-50)",
}
"""What the profile of VOC's animals really uses, with the name in the paper."""

NAMES = {"scenes": SCENE_NAMES, "voc-animals": ANIMAL_NAMES}
"""The displayed names by the source of the images; the paper's for all others."""

SHORT_NAMES = {
    "grad-cam": "Grad-CAM",
    "rise": "RISE",
    "extremal-perturbation": "EP",
    "igos++": "iGOS++",
    "rtis": "RTIS",
    "explainer": "Explainer",
}
