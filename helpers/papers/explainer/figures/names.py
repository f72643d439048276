"""The displayed names of methods, datasets and classifiers of "What You See is What You Classify"."""

PAPER_NAMES = {"voc2007": "VOC-2007", "coco2014": "COCO-2014", "vgg16": "VGG-16", "resnet50": "ResNet-50"}

SHORT_NAMES = {
    "grad-cam": "Grad-CAM",
    "rise": "RISE",
    "extremal-perturbation": "EP",
    "igos++": "iGOS++",
    "rtis": "RTIS",
    "explainer": "Explainer",
}
