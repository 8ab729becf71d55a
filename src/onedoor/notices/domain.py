"""What the room tells the site: its title."""

TITLE = "Notices"
