"""Detectors: backbone, neck, encoder, query source, decoder, heads."""
