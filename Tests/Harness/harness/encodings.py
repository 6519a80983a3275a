"""The forms in which a secret may stand in a text."""

import base64
import json
from urllib.parse import quote_from_bytes


def forms(secret):
    """Texts of which one stands in every text that holds the secret, alone or inside something longer that is
    encoded."""
    hexadecimal = secret.hex().encode()
    quoted = quote_from_bytes(secret, safe="").encode()
    found = {secret, hexadecimal, hexadecimal.upper(), quoted, lower_escapes(quoted), quote_from_bytes(secret).encode()}
    everything = b"%" + secret.hex("%").upper().encode()
    found |= {everything, everything.lower()}
    found.update(base64_forms(secret))
    try:
        text = secret.decode()
    except UnicodeDecodeError:
        return found
    for ascii in (True, False):
        escaped = json.dumps(text, ensure_ascii=ascii)[1:-1].encode()
        found |= {escaped, escaped.replace(b"/", b"\\/")}
    return found


def base64_forms(secret):
    """The characters that the secret alone decides, wherever in a group of three bytes it begins."""
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + secret)
        own = encoded[-(-8 * before // 6):8 * (before + len(secret)) // 6]
        yield own
        yield own.translate(bytes.maketrans(b"+/", b"-_"))


def lower_escapes(quoted):
    head, *rest = quoted.split(b"%")
    return b"%".join([head, *(part[:2].lower() + part[2:] for part in rest)])
