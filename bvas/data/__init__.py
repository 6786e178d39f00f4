"""What is to be spotted, in which matches, and the files that say so."""
