"""`python -m sdetr` is `sdetr`."""

from sdetr.cli import main

main()
