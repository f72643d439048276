"""Images: photographs, ImageNet samples, scenes, images with several classes, small images with labels."""
