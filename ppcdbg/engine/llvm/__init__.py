"""The compiling engine: handlers, decoder and MMU helpers as LLVM IR made from the instruction table."""
