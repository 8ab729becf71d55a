"""``onedoor lab``: an exchange of invented members on one computer, for who writes a system that takes part in one."""
