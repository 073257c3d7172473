"""A season of recordings, analysed on this machine without a server: what `chiffchaff analyze` does."""
