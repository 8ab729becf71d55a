"""What a person may ask about their own data: the rights, their legal clocks, and what a granted request does."""
