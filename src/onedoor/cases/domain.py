"""The room's title and menu entries."""

TITLE = "Cases"
MENU = {"portal": ("cases", "My cases"), "node": ("desk", "Tasks")}
