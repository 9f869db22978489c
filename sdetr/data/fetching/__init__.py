"""Data sets from the web, or from a folder that is there already, at the places where readers look."""
