"""`make up`. Runs on any Python and without any package, far enough to say what is missing."""

import importlib
import sys

OLDEST_PYTHON = (3, 11)


def main() -> None:
    """Start the stack, or say in one line why this Python cannot."""
    if sys.version_info < OLDEST_PYTHON:
        found = ".".join(map(str, sys.version_info[:2]))
        sys.exit(
            f"punctual: this is Python {found}, and 3.11 or newer is needed: "
            "name one with `make up PYTHON=python3.12`"
        )
    try:
        up = importlib.import_module("stack.up")
    except ModuleNotFoundError as error:
        sys.exit(f"punctual: the package {error.name} is missing: run `make install`")
    sys.exit(up.main())


if __name__ == "__main__":
    main()
