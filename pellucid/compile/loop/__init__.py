"""The loop IR: typed scalar and vector instructions in structured loops, one step above LLVM."""
