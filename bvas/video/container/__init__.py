"""Bytes to packets: files, pipes and addresses, container formats, and the headers of coded streams."""
