"""Value types of the field: annotations, spots, label sets, score curves, clips. No I/O and no torch."""
