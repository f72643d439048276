"""What single chapters need besides the methods: pictures of a mask, truth of a scene, the stored gallery.

Chapters import from its modules, so that each depends on those that it uses.
"""
