"""The signal chain, one for preparing, training and serving: decode, segment, slice, front end.

Only `frontend` imports torch and only `segment` imports scipy; nothing here knows a database or the web.
Audio is float32, (samples,), mono, -1..1, at `constants.SAMPLE_RATE`, wherever nothing else is said.
"""
