"""Array languages: NumPy, JAX and PyTorch modules of chains and graphs."""
