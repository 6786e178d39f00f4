"""Operating system, files and processes: all that only one platform has lies here."""
