# Reads a mail with Python's own email package and prints what a mail program would
# have of it as JSON. The text part's lines are joined as RFC 3676 tells.
import email, email.policy, json, sys

with open(sys.argv[1], "rb") as f:
    message = email.message_from_binary_file(f, policy=email.policy.default)
for part in message.walk():
    assert not part.defects, (part.get_content_type(), part.defects)
text, html = message.get_body(("plain",)), message.get_body(("html",))
params = text["Content-Type"].params


def joined(flowed):
    out = ""
    for line in flowed.split("\n"):
        if line.startswith(" "):
            line = line[1:]
        out += line if line.endswith(" ") and line != "-- " else line + "\n"
    return out


json.dump({"Subject": message["Subject"], "Text": joined(text.get_content().replace("\r\n", "\n")), "HTML": html.get_content().replace("\r\n", "\n"),
           "Format": params.get("format", ""), "Delsp": params.get("delsp", "")}, sys.stdout)
