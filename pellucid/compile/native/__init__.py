"""From LLVM text to running machine code: targets, object code, its cache, loading, threads."""
