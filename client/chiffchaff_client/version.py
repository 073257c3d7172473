"""The client's version, which it tells the server too."""

VERSION = "0.1.0"
