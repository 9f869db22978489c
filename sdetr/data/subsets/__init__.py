"""Parts of data sets."""
