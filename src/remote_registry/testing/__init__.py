"""`test`: a version is loaded and asked in an environment of its own, by a process of its own."""
