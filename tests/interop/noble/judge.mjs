// Judges the ML-DSA-44 cosignature in a note with @noble/post-quantum; written from the text of C2SP tlog-cosignature.
//
// Standard input is a JSON list of {note, vkey}; standard output is the list of answers, true or false for each.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { ml_dsa44 } from "@noble/post-quantum/ml-dsa.js";

const u64 = (number) => {
  const octets = Buffer.alloc(8);
  octets.writeBigUInt64BE(BigInt(number));
  return octets;
};

const withLength = (text) => {
  const octets = Buffer.from(text);
  return Buffer.concat([Buffer.from([octets.length]), octets]);
};

// struct cosigned_message; start is 0 for a checkpoint.
const cosignedMessage = (cosigner, timestamp, [origin, size, root]) =>
  Buffer.concat([
    Buffer.from("subtree/v1\n\0"),
    withLength(cosigner),
    timestamp,
    withLength(origin),
    u64(0),
    u64(size),
    Buffer.from(root, "base64"),
  ]);

const holds = ({ note, vkey }) => {
  const name = vkey.slice(0, vkey.indexOf("+"));
  const key = Buffer.from(vkey.slice(name.length + 10), "base64");
  if (key[0] !== 6) throw new Error("not a key of type 0x06");
  const keyId = createHash("sha256").update(`${name}\n`).update(key).digest().subarray(0, 4);
  const end = note.lastIndexOf("\n\n");
  const lines = note.slice(end + 2).split("\n");
  const line = lines.find((candidate) => candidate.startsWith(`\u2014 ${name} `));
  if (line === undefined) throw new Error(`no line of ${name}`);
  const octets = Buffer.from(line.slice(name.length + 3), "base64");
  if (!octets.subarray(0, 4).equals(keyId)) throw new Error(`the line of ${name} has another key id`);
  const message = cosignedMessage(name, octets.subarray(4, 12), note.slice(0, end).split("\n"));
  return ml_dsa44.verify(new Uint8Array(octets.subarray(12)), new Uint8Array(message), new Uint8Array(key.subarray(1)));
};

process.stdout.write(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(holds)));
