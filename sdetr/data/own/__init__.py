"""A person's own images, as their tools export them: read whatever is there, judge it, say what was found."""
