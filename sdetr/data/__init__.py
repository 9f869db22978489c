"""Data sets: images and annotations of any layout as one index, and samples of it."""
