"""``python -m onedoor.site`` is the command ``onedoor``."""

from onedoor.site.cli import main

if __name__ == "__main__":
    main()
