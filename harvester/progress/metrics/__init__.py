"""The numbers of a run for Prometheus: as a file for the textfile collector, or to be scraped."""
