"""Spots in the formats of other programs: each module makes one file's text of the spots of one video."""
