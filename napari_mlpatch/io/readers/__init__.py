"""One file for each kind of file that is read. ``formats.FORMATS`` says which reader is for which."""
