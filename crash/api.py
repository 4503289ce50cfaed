"""`python -m crash.api`: the API, standing at its points.

Composition root of the harness; see `api/app.py` for the one of the product.
"""

import sys

from api import __main__ as command
from api import app
from crash import stand_ins

if __name__ == "__main__":
    stand_ins.install([app], {"open_resources": stand_ins.open_api_resources})
    sys.exit(command.main())
