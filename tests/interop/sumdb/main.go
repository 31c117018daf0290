// Judges our notes and proofs with golang.org/x/mod/sumdb, and signs a note for us to judge.
//
// Standard input is a JSON list of cases; standard output is the list of answers, one text for each case: "yes", "no: "
// with the reason, or, for a case of kind "sign", the note. The stock note package refuses keys of type 0x04, so the
// cosigner below enters through its Verifier interface; it is written from the text of C2SP tlog-cosignature.
package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// oneCase holds the fields of every kind of case; octets are base64 in JSON.
type oneCase struct {
	Kind     string
	Note     []byte
	Vkey     string
	Cosigner string
	Text     string
	Skey     string
	Size     int64
	OldSize  int64
	Index    int64
	Root     []byte
	OldRoot  []byte
	Leaf     []byte
	Proof    [][]byte
}

// cosigner is a key of type 0x04 as a note.Verifier.
type cosigner struct {
	name   string
	hash   uint32
	public ed25519.PublicKey
}

func (c cosigner) Name() string    { return c.name }
func (c cosigner) KeyHash() uint32 { return c.hash }

// Verify takes the timestamp (8 octets, big-endian) and the signature, as C2SP tlog-cosignature lays them out.
func (c cosigner) Verify(text, octets []byte) bool {
	if len(octets) != 8+ed25519.SignatureSize {
		return false
	}
	message := fmt.Sprintf("cosignature/v1\ntime %d\n%s", binary.BigEndian.Uint64(octets), text)
	return ed25519.Verify(c.public, []byte(message), octets[8:])
}

func newCosigner(vkey string) (note.Verifier, error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return nil, errors.New("a verifier key has three parts")
	}
	key, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil {
		return nil, err
	}
	if len(key) != 1+ed25519.PublicKeySize || key[0] != 4 {
		return nil, errors.New("not a key of type 0x04")
	}
	id := sha256.Sum256(append([]byte(parts[0]+"\n"), key...))
	if fmt.Sprintf("%x", id[:4]) != parts[1] {
		return nil, errors.New("the key id is wrong")
	}
	return cosigner{parts[0], binary.BigEndian.Uint32(id[:4]), ed25519.PublicKey(key[1:])}, nil
}

// openNote verifies the owner's line and, if a cosigner is given, the cosigner's; both must be there.
func openNote(c oneCase) error {
	owner, err := note.NewVerifier(c.Vkey)
	if err != nil {
		return err
	}
	verifiers := []note.Verifier{owner}
	if c.Cosigner != "" {
		other, err := newCosigner(c.Cosigner)
		if err != nil {
			return err
		}
		verifiers = append(verifiers, other)
	}
	opened, err := note.Open(c.Note, note.VerifierList(verifiers...))
	if err != nil {
		return err
	}
	if len(opened.Sigs) != len(verifiers) {
		return fmt.Errorf("%d of %d signatures", len(opened.Sigs), len(verifiers))
	}
	return nil
}

func toHash(octets []byte) (hash tlog.Hash) {
	copy(hash[:], octets)
	return hash
}

func judge(c oneCase) (string, error) {
	proof := make([]tlog.Hash, len(c.Proof))
	for i, part := range c.Proof {
		proof[i] = toHash(part)
	}
	switch c.Kind {
	case "note":
		return "yes", openNote(c)
	case "vkey":
		_, err := note.NewVerifier(c.Vkey)
		return "yes", err
	case "inclusion":
		return "yes", tlog.CheckRecord(proof, c.Size, toHash(c.Root), c.Index, toHash(c.Leaf))
	case "consistency":
		return "yes", tlog.CheckTree(proof, c.Size, toHash(c.Root), c.OldSize, toHash(c.OldRoot))
	case "sign":
		signer, err := note.NewSigner(c.Skey)
		if err != nil {
			return "", err
		}
		signed, err := note.Sign(&note.Note{Text: c.Text}, signer)
		return string(signed), err
	}
	return "", fmt.Errorf("unknown kind %q", c.Kind)
}

func main() {
	var cases []oneCase
	if err := json.NewDecoder(os.Stdin).Decode(&cases); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	answers := []string{}
	for _, c := range cases {
		answer, err := judge(c)
		if err != nil {
			answer = "no: " + err.Error()
		}
		answers = append(answers, answer)
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
