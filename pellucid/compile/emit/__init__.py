"""From kernels to loop IR."""
