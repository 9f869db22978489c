"""What is to be run: settings, their YAML layers, and the plan. No torch: the workflow parses at once."""
