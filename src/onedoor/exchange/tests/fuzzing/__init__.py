"""Every parser of what others send, under a fuzzer that follows coverage: it may refuse, but not break and not hang."""
