"""The parts of the book that run in the reader's browser: networks as files, scripts, and all of it in the site."""
