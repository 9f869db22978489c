"""Weights that come from, or go, elsewhere."""
