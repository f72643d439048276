"""Reports shared by papers and chapters: claims, their sentences and tables, provenance, groups of pictures."""
