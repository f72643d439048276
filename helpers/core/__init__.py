"""The foundation of all other packages: explanations, class masks, files, the runtime."""
