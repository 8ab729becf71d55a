"""What the room tells the site: its title."""

TITLE = "Publish and subscribe"
