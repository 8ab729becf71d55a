"""ASiC-E containers of X-Road messages, read strictly and checked: hash chains, XAdES, time-stamps (RFC 3161)."""
