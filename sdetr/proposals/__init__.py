"""Boxes per image from an unsupervised proposer, stored once, ranked."""
