"""Code generation: from planned kernels to loop IR."""
