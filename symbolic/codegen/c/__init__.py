"""C99: loops, straight lines and blocks, with their header, self-test and training steps."""
