"""Generated C in this process: built by the system's compiler, kept by content, called without copies."""
