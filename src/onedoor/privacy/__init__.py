"""Why someone may read: purposes, legal bases, the read gate."""
