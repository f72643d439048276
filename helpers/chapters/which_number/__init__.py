"""Places, agreement, controls and pictures of the chapter on which number to believe."""
