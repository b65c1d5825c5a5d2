"""`python -m backend.openapi` prints the OpenAPI document; nothing is started and no database is needed."""

import json
import sys

from backend.app import openapi


def main() -> None:
    json.dump(openapi(), sys.stdout, indent=1, sort_keys=True)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
