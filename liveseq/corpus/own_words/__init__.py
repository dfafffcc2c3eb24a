"""The performer's own words for the tags of a corpus: read from, checked for, and written into `tags.yaml`."""
