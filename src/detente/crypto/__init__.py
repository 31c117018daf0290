"""Thin doors to the cryptographic library, and its only importer.

Law of the room: every function here does one thing that a public standard defines, with the parameters fixed. Nothing
is negotiated, nothing is written by hand that the library offers. Seeds and salts come in as arguments; the only
randomness made here is that of HPKE encapsulation and of hedged ML-DSA signing, inside the library.
"""
