"""`python -m bandsense` is `bandsense`."""

import sys

from bandsense.cli import main

sys.exit(main())
