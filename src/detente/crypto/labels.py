"""Every label of CBOR-4: the first element of the array behind a hash, an HMAC or an HPKE `info`.

No two uses share a label, so an output made for one use can never be taken for one of another.
"""

# SHA-256 over the counted heads of an entry (BOOK-10). Keeps the view digest apart from body hashes and key names.
VIEW = "detente/1 view"

# HMAC under the epoch's secret (EPOCH-3). Proves the secret to its reader; keeps the check apart from message keys.
EPOCH = "detente/1 epoch"

# HPKE `info` (EPOCH-5). Ties a wrap to channel, book, index, audience and reader, so that it opens nowhere else.
WRAP = "detente/1 wrap"

# HMAC under the epoch's secret (chapter 5). The key of one entry; disclosing it discloses no other (BUNDLE-4).
MESSAGE = "detente/1 message"

# HMAC under the message key (SEAL-1). Commits to key, header and plaintext, which the AEAD alone does not.
COMMIT = "detente/1 commit"

# HMAC under the message key (chapter 5). The AEAD key, a different one for every commitment.
SEAL = "detente/1 seal"

# First element of a bundle file (chapter 8). Not hashed: it tells what the file is.
BUNDLE = "detente/1 bundle"

ALL = (VIEW, EPOCH, WRAP, MESSAGE, COMMIT, SEAL, BUNDLE)
