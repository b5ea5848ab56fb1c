"""What holds, and why: the kernel that decides, theorems, certificates, claims of others and their audit."""
