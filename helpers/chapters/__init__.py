"""Code of single chapters: their pictures, measures, live controls and the stored gallery.

A chapter imports from the modules, so that it depends on those that it uses only.
"""
