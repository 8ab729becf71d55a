"""``python -m tests.reference``: write the reference; ``… routes ROLE``: tell the routes of a role as JSON."""

import os
import sys

from tests import reference
from tests.reference import routes

if __name__ == "__main__":
    if sys.argv[1:2] == ["routes"]:
        routes.tell(sys.argv[2])
    else:
        os.environ["DJANGO_SETTINGS_MODULE"] = "onedoor.site.settings"
        import django

        django.setup()
        reference.write()
