"""Transparency logs as RFC 6962 and C2SP define them. Knows nothing of parties, books or charters.

Law of the room: bytes in, values out, exactly one encoding of everything, and no state but what is passed in. Hashes of
a tree are read through a function that the caller gives.
"""
