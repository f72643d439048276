"""Images: photographs, ImageNet samples, scenes, multi-label images, small labelled images."""
