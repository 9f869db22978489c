"""One reader per layout; each returns an index of everything that it found, not yet cleaned."""
