"""How each pretext cuts views of an image: planned ahead, stored, read by the loader."""
