"""Readers of other formats, each giving drafts of matches, and the writer of `dataset.json`."""
