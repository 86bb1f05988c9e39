"""Holds maildirs against what a receiver expects of a newsletter's mail.

usage: mailboxes.py MAILDIRS ZONE SIGNATURES

Reads every message below MAILDIRS with Python's own parser and verifies each of
its SIGNATURES signatures with dkimpy, which finds the keys in the file ZONE, as
apta dkim keygen printed it. Prints what was found as JSON, or every fault.
"""

import email
import email.header
import email.policy
import json
import pathlib
import re
import sys

import dkim


def read_zone(text):
    """The TXT records of zone lines: name -> octets."""
    zone = {}
    for name, strings in re.findall(r"^(\S+) IN TXT \( (.*) \)$", text, re.M):
        zone[name.encode()] = "".join(re.findall(r'"([^"]*)"', strings)).encode()
    return zone


def field(raw, name):
    """A field's value, unfolded and decoded, its octets read as UTF-8 (RFC 6532)."""
    header = raw.split(b"\r\n\r\n", 1)[0].decode()
    value = re.search(rf"^{name}: ([^\r\n]*(?:\r\n[ \t][^\r\n]*)*)", header, re.M).group(1).replace("\r\n", "")
    decoded = lambda word: str(email.header.make_header(email.header.decode_header(word.group())))
    return re.sub(r"=\?[^?]+\?[bq]\?[^?]*\?=", decoded, re.sub(r"(?<=\?=)\s+(?==\?)", "", value), flags=re.I)


def faults_of(raw, zone, signatures):
    """What a receiver would object to in one message, and the parsed message."""
    message = email.message_from_bytes(raw, policy=email.policy.SMTPUTF8)
    for part in message.walk():
        for defect in part.defects:
            yield f"{part.get_content_type()}: {defect!r}"
    for name, how_many in (("From", 1), ("To", 1), ("Date", 1), ("Subject", 1), ("Message-ID", 1), ("List-Id", 1), ("List-Unsubscribe", 1),
                           ("List-Unsubscribe-Post", 1), ("Feedback-ID", 1), ("MIME-Version", 1)):
        if (found := len(message.get_all(name, []))) != how_many:
            yield f"{found} fields {name}"
    for name, value in message.items():
        if name == "To" and not raw.split(b"\r\n\r\n", 1)[0].isascii():
            continue  # Python calls the address of an SMTPUTF8 message (RFC 6532) a defect
        for defect in getattr(value, "defects", ()):
            yield f"{name}: {defect!r}"
    for name, want in (("List-Unsubscribe", r"<https://\S+>"), ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"), ("Auto-Submitted", "auto-generated"),
                       ("Precedence", "bulk"), ("List-Archive", r"<https?://\S+>"), ("Feedback-ID", "[^:]+:[^:]+:[^:]+:[^:]+"), ("List-Id", r".*<[\w.-]+>")):
        if not re.fullmatch(want, str(message[name] or "")):
            yield f"{name} is {message[name]!r}"
    if message.get_content_type() != "multipart/alternative":
        yield f"it is {message.get_content_type()}"
    for kind, words in (("plain", "Unsubscribe"), ("html", "<h1")):
        part = message.get_body((kind,))
        if part is None or words not in part.get_content():
            yield f"the {kind} part lacks {words!r}"
    if (longest := max(map(len, raw.split(b"\r\n")))) > 998:
        yield f"a line has {longest} octets"
    body = raw.split(b"\r\n\r\n", 1)[1]
    if not body.isascii():
        yield "the body is not 7-bit"
    check = dkim.DKIM(raw)
    count = sum(1 for name, _ in check.headers if name.lower() == b"dkim-signature")
    if count != signatures:
        yield f"{count} signatures"
    for i in range(count):
        try:
            valid = dkim.DKIM(raw).verify(idx=i, dnsfunc=lambda name, timeout=5: zone.get(name.rstrip(b".") + b"."))
        except dkim.DKIMException as e:
            valid = e
        if valid is not True:
            yield f"signature {i}: {valid}"


def main(maildirs, zone_file, signatures):
    zone = read_zone(pathlib.Path(zone_file).read_text())
    ids, readers, faults = {}, {}, []
    for file in sorted(pathlib.Path(maildirs).glob("*/new/*")):
        raw = re.sub(rb"\r?\n", b"\r\n", file.read_bytes())  # a maildir keeps lines as Unix does
        faults += [f"{file}: {fault}" for fault in faults_of(raw, zone, int(signatures))]
        message = email.message_from_bytes(raw, policy=email.policy.SMTPUTF8)
        ids.setdefault(str(message["Message-ID"]), []).append(str(file))
        readers[field(raw, "Delivered-To")] = field(raw, "To")
    faults += [f"{i} arrived {len(files)} times" for i, files in ids.items() if len(files) > 1]
    if faults:
        sys.exit("\n".join(faults[:20]) + f"\n{len(faults)} faults")
    json.dump({"messages": len(ids), "readers": readers}, sys.stdout)


main(*sys.argv[1:])
