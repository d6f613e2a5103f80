"""From what was found in a file to a reconstruction problem."""
