"""Frame index of a video: scan, numbering rule, cache and grid."""
