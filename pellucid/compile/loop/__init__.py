"""The loop IR: typed scalar and vector instructions in structured loops, one level above LLVM."""
