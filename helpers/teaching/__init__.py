"""What teachers and students use beside the pages: checks of answers, editions of the notebooks, slides."""
