"""The photograph of a cat that accompanies all chapters: what is computed of it, its stored album, its drawings."""
