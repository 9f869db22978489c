"""One loop, one state, one journal for every objective."""
