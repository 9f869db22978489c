"""Photograph-like images that we draw ourselves, in the files and layouts of real data sets."""
