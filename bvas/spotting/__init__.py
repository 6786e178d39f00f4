"""One video in, its spots out: a file, or a source that still runs."""
