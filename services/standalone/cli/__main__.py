"""`python -m services.standalone.cli`: the same as the command `chiffchaff`."""

from services.standalone.cli import main

main()
