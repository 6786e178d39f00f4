"""What works on this machine, and what to do about the rest. Nothing here raises for what is missing."""
