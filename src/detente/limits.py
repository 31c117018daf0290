"""Every maximum of the program in one place, its unit last in the name, with its reason.

Those that both sides must share stand in `spec/` as well and are marked with the rule.
"""

# --- shared with the other side
FRAME_OCTETS_MAX = 65_536  # spec/6: a frame fits in memory many times over, and a FLASH never waits long behind one
BODY_OCTETS_MAX = 16_384  # BOOK-2: twelve wraps and a public key fit; larger things are attachments
PADDED_OCTETS_MAX = 15_872  # SEAL-3: the largest Padmé size below the body's maximum
CONTENT_OCTETS_MAX = 65_536  # SEAL-4: what a zstd frame may grow to; bounds a bomb
NOTE_OCTETS_MAX = 262_144  # NOTE-2: a charter of 16 parties with post-quantum keys is about 100 KB
NOTE_SIGNATURES_MAX = 64  # NOTE-2: C2SP asks for at least 16; 16 parties with three kinds each fit
NESTING_LEVELS_MAX = 16  # CBOR-3
TEXT_LINE_OCTETS_MAX = 4_096  # spec/3: an ML-DSA-44 vkey is 1.8 KB of base64
TEXT_LINE_STOPS_MAX = 128  # spec/3: keys of a thousand dotted parts would cost a reader seconds
PARTIES_MAX = 16  # CHARTER-4
STATIONS_PER_PARTY_MAX = 8  # CHARTER-4
BOOKS_PER_PARTY_MAX = 64  # cddl `book`
READERS_PER_EPOCH_MAX = 12  # EPOCH-6: 12 wraps of 1,168 octets fit in a body
SECRETS_PER_ENTRY_MAX = 128  # EPOCH-7: 70 octets each, which do not compress, fit in a body with room to spare
INDEX_MAX = 2**40  # cddl `index`
TREE_LEVELS_MAX = 40  # cddl `subtree`

# --- ours
LINKS_MAX = 256  # open TLS links of one station
HANDSHAKE_SECONDS_MAX = 10  # a link that has not said who it is by then is closed
LINK_SILENCE_SECONDS_MAX = 90  # a half-open link is noticed within this
LINK_UNSENT_OCTETS_MAX = 1_048_576  # what waits in one link's buffer before we stop giving it more
WHOLE_ASKED_MAX = 64  # frames of one link that did not verify and were asked for whole (FRAME-5); the next ends it
TURN_FRAMES_MAX = 256  # frames taken into one turn, so that a turn stays short
TURN_ACTS_MAX = 2_000  # acts taken into one turn (spec/2 HEAD-3: one checkpoint covers them)
LOCAL_REQUESTS_UNDER_WAY_MAX = 2 * TURN_ACTS_MAX  # on the local socket: one turn is taken while the next one gathers
RECENT_ENTRIES_MAX = 2_048  # entries of one book kept in memory to serve peers that are up to date
RECENT_ROOTS_MAX = 4_096  # roots of one book by size kept in memory to verify `view`
DISK_FREE_OCTETS_MIN = 33_554_432  # below this the station stops accepting, so that nothing is lost half-way
CLOCK_AHEAD_MS_MAX = 300_000  # an `at` further ahead of our clock is marked implausible
