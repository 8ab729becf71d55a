"""The commands of one process, one module each; `onedoor.site.cli` loads the one that is called."""
