#!/usr/bin/env python3
"""Vectors for CryptographyTests.

    generate.py    writes digests.json, aes256gcm.json, aes256gcm-forgeries.json and signatures.json beside this file

Inputs of digests.json are those of FIPS 180-4's examples and RFC 4231; of aes256gcm.json those of "The Galois/Counter Mode of
Operation", appendix B, test cases 13 to 16, and some more. What must come out is hashlib's, hmac's and `cryptography`'s word, and
where the standard prints it, asserted to be the standard's. Keys and ES256 signatures are random: a second run makes other, equally
good signatures. The private keys are thrown away.
"""
import hashlib
import hmac
import json
import pathlib

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

HERE = pathlib.Path(__file__).parent
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def write(name, value):
    (HERE / name).write_text(json.dumps(value, indent=1) + "\n", "ascii")


def digests():
    messages = [
        ("empty", b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ("448 bits", b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"),
        ("896 bits", b"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
         "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"),
    ]
    messages += [(f"{length} bytes", bytes(range(256))[:length], None) for length in (55, 56, 63, 64, 65, 127, 128, 255)]
    for _, message, printed in messages:
        assert printed in (None, hashlib.sha256(message).hexdigest())
    macs = [
        ("RFC 4231 case 1", b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        ("RFC 4231 case 2", b"Jefe", b"what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        ("RFC 4231 case 3", b"\xaa" * 20, b"\xdd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
        ("RFC 4231 case 4", bytes(range(1, 26)), b"\xcd" * 50, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
        ("RFC 4231 case 5", b"\x0c" * 20, b"Test With Truncation", None),
        ("RFC 4231 case 6", b"\xaa" * 131, b"Test Using Larger Than Block-Size Key - Hash Key First",
         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"),
        ("RFC 4231 case 7", b"\xaa" * 131,
         b"This is a test using a larger than block-size key and a larger than block-size data. "
         b"The key needs to be hashed before being used by the HMAC algorithm.",
         "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"),
        ("empty key", b"", b"message", None),
        ("empty message", b"key", b"", None),
        ("empty key and message", b"", b"", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"),
        ("key of a block", b"k" * 64, b"message", None),
    ]
    for _, key, message, printed in macs:
        assert printed in (None, hmac.new(key, message, hashlib.sha256).hexdigest())
    write("digests.json", {
        "sha256": [{"name": name, "message": message.hex(), "digest": hashlib.sha256(message).hexdigest()} for name, message, _ in messages],
        "hmac": [
            {"name": name, "key": key.hex(), "message": message.hex(), "code": hmac.new(key, message, hashlib.sha256).hexdigest()}
            for name, key, message, _ in macs
        ],
    })


def aes256gcm():
    key = bytes.fromhex("feffe9928665731c6d6a8f9467308308" * 2)
    nonce = bytes.fromhex("cafebabefacedbaddecaf888")
    text = bytes.fromhex(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255")
    data = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    zero = (bytes(32), bytes(12))
    cases = [
        ("test case 13", *zero, b"", b"", "530f8afbc74536b9a963b4f1c4cb738b"),
        ("test case 14", *zero, bytes(16), b"", "d0d1c8a799996bf0265b98b5d48ab919"),
        ("test case 15", key, nonce, text, b"", "b094dac5d93471bdec1a502270e3cc6c"),
        ("test case 16", key, nonce, text[:60], data, "76fc6ece0f4e1768cddf8853bb2d551b"),
        ("associated data alone", key, nonce, b"", data, None),
        ("one byte", key, nonce, b"\x00", b"\x00", None),
        ("many blocks", key, nonce, bytes(i % 251 for i in range(5000)), bytes(1000), None),
    ]
    made = []
    for name, k, n, plaintext, associated, tag in cases:
        sealed = AESGCM(k).encrypt(n, plaintext, associated)
        assert tag in (None, sealed[-16:].hex())
        made.append({"name": name, "key": k.hex(), "nonce": n.hex(), "plaintext": plaintext.hex(), "associatedData": associated.hex(),
                     "sealed": sealed.hex()})
    write("aes256gcm.json", made)


def aes256gcm_forgeries():
    """Fields and flags as in Wycheproof's files; what is valid here are edge cases beyond those of aes256gcm.json."""
    key, iv, aad, msg = bytes(range(32)), bytes(range(0x50, 0x5C)), b"associated data", b"plaintext of thirty-one bytes.."
    cases = []

    def add(comment, flags, result, key=key, iv=iv, aad=aad, msg=msg, ct=None, tag=None):
        if ct is None or tag is None:
            sealed = AESGCM(key).encrypt(iv, msg, aad)
            ct, tag = sealed[:-16] if ct is None else ct, sealed[-16:] if tag is None else tag
        cases.append({"tcId": len(cases) + 1, "comment": comment, "flags": flags, "key": key.hex(), "iv": iv.hex(), "aad": aad.hex(),
                      "msg": msg.hex(), "ct": ct.hex(), "tag": tag.hex(), "result": result})

    def flipped(data, bit):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        return bytes(changed)

    sealed = AESGCM(key).encrypt(iv, msg, aad)
    ct, tag = sealed[:-16], sealed[-16:]
    add("good", ["Control"], "valid")
    for length in range(16):
        add(f"tag of {length} bytes", ["TruncatedTag"], "invalid", tag=tag[:length])
    add("tag of 17 bytes", ["LongTag"], "invalid", tag=tag + bytes(1))
    for length in (0, 1, 8, 11, 13, 16, 32):
        # The tag is right where a nonce of that length is allowed at all, so that the length alone refuses it.
        other = bytes(range(length))
        good = AESGCM(key).encrypt(other, msg, aad) if length >= 8 else sealed
        add(f"nonce of {length} bytes", ["InvalidNonceSize"], "invalid", iv=other, ct=good[:-16], tag=good[-16:])
    for length in (0, 1, 16, 24, 31, 33, 64):
        other = bytes(range(length))
        good = AESGCM(other).encrypt(iv, msg, aad) if length in (16, 24) else sealed
        add(f"key of {length} bytes", ["InvalidKeySize"], "invalid", key=other, ct=good[:-16], tag=good[-16:])
    for name, value in (("tag", tag), ("ct", ct), ("aad", aad), ("iv", iv)):
        for bit in (0, 7, 8, 31, 32, 63, 64, 71, len(value) * 8 - 1):
            changed = {"ct": ct, "tag": tag, name: flipped(value, bit)}
            add(f"bit {bit} of {name} flipped", ["Modified"], "invalid", **changed)
    for name, value in (("zeros", bytes(16)), ("ones", b"\xff" * 16), ("inverted", bytes(b ^ 0xFF for b in tag)),
                        ("reversed", tag[::-1]), ("top bits flipped", bytes(b ^ 0x80 for b in tag))):
        add(f"tag {name}", ["ModifiedTag"], "invalid", tag=value)
    other = AESGCM(key).encrypt(iv, msg[::-1], aad)
    add("tag of another message", ["ModifiedTag"], "invalid", ct=ct, tag=other[-16:])
    add("ciphertext of another message", ["Modified"], "invalid", ct=other[:-16], tag=tag)
    add("tag before the ciphertext", ["Modified"], "invalid", ct=(tag + ct)[:-16], tag=(tag + ct)[-16:])
    add("associated data left out", ["Modified"], "invalid", aad=b"", ct=ct, tag=tag)
    add("associated data moved into the ciphertext", ["Modified"], "invalid", aad=b"", ct=aad + ct, tag=tag)
    add("zeros tag, nothing else", ["ModifiedTag"], "invalid", aad=b"", msg=b"", ct=b"", tag=bytes(16))
    add("empty plaintext and associated data", ["EdgeCase"], "valid", aad=b"", msg=b"")
    add("empty plaintext", ["EdgeCase"], "valid", msg=b"")
    add("empty associated data", ["EdgeCase"], "valid", aad=b"")
    for name, wanted in (("zeros", bytes(32)), ("ones", b"\xff" * 32), ("top bits", b"\x80" + bytes(31))):
        # The plaintext whose ciphertext that is: the key stream is the ciphertext of zeros.
        stream = AESGCM(key).encrypt(iv, bytes(32), aad)[:-16]
        add(f"ciphertext of {name}", ["SpecialCaseCiphertext"], "valid", msg=bytes(a ^ b for a, b in zip(stream, wanted)))
    for length in (16, 17, 255, 65_536):
        add(f"associated data of {length} bytes", ["LongAAD"], "valid", aad=bytes(i % 253 for i in range(length)))
        good = AESGCM(key).encrypt(iv, msg, bytes(i % 253 for i in range(length)))
        add(f"associated data of {length} bytes, the last one left out", ["LongAAD"], "invalid",
            aad=bytes(i % 253 for i in range(length - 1)), ct=good[:-16], tag=good[-16:])
    write("aes256gcm-forgeries.json", cases)


def signatures():
    message = b"header.payload"
    cases = []

    def rsa_public(key):
        numbers = key.public_key().public_numbers()
        return {"n": numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big").hex(),
                "e": numbers.e.to_bytes((numbers.e.bit_length() + 7) // 8, "big").hex()}

    def ec_public(key):
        numbers = key.public_key().public_numbers()
        return {"x": numbers.x.to_bytes(32, "big").hex(), "y": numbers.y.to_bytes(32, "big").hex()}

    def ed_public(key):
        return {"x": key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()}

    def add(name, algorithm, key, signature, is_valid, text=message):
        cases.append({"name": name, "algorithm": algorithm, "key": key, "message": text.hex(), "signature": signature.hex(),
                      "isValid": is_valid})

    def flipped(signature, position):
        changed = bytearray(signature)
        changed[position] ^= 1
        return bytes(changed)

    def common(algorithm, key, signature, other, sign):
        add("good", algorithm, key, signature, True)
        add("good for an empty message", algorithm, key, sign(b""), True, b"")
        add("good for a long message", algorithm, key, sign(b"x" * 1000), True, b"x" * 1000)
        for position in (0, len(signature) // 2, len(signature) - 1):
            add(f"byte {position} flipped", algorithm, key, flipped(signature, position), False)
        add("other message", algorithm, key, signature, False, message + b"x")
        add("empty message", algorithm, key, signature, False, b"")
        add("other key", algorithm, other, signature, False)
        add("empty", algorithm, key, b"", False)
        add("cut", algorithm, key, signature[:-1], False)
        add("longer", algorithm, key, signature + b"\0", False)
        add("zeros", algorithm, key, bytes(len(signature)), False)
        add("ones", algorithm, key, b"\xff" * len(signature), False)

    for size, exponent in ((2048, 65537), (3072, 65537), (4096, 3)):
        key = rsa.generate_private_key(exponent, size)
        other = rsa.generate_private_key(65537, size)

        def sign(text, key=key):
            return key.sign(text, padding.PKCS1v15(), hashes.SHA256())

        common("RS256", rsa_public(key), sign(message), rsa_public(other), sign)
        add("PSS", "RS256", rsa_public(key), key.sign(message, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256()), False)
        add("SHA-384", "RS256", rsa_public(key), key.sign(message, padding.PKCS1v15(), hashes.SHA384()), False)
        add("SHA-1", "RS256", rsa_public(key), key.sign(message, padding.PKCS1v15(), hashes.SHA1()), False)

    def raw(der):
        r, s = utils.decode_dss_signature(der)
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    key, other = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    common("ES256", ec_public(key), raw(key.sign(message, ec.ECDSA(hashes.SHA256()))), ec_public(other),
           lambda text: raw(key.sign(text, ec.ECDSA(hashes.SHA256()))))
    # Small r and s, whose DER integers are shorter, come about once in 256 signatures each.
    wanted = {"r begins with a zero byte": lambda s: s[0] == 0, "s begins with a zero byte": lambda s: s[32] == 0,
              "r begins with the top bit alone": lambda s: s[0] == 0x80, "s begins with the top bit alone": lambda s: s[32] == 0x80,
              "r has its top bit set": lambda s: s[0] > 0x80, "s has its top bit set": lambda s: s[32] > 0x80}
    while wanted:
        signature = raw(key.sign(message, ec.ECDSA(hashes.SHA256())))
        for name in [name for name, holds in wanted.items() if holds(signature)]:
            add(name, "ES256", ec_public(key), signature, True)
            del wanted[name]
    good = raw(key.sign(message, ec.ECDSA(hashes.SHA256())))
    r, s = int.from_bytes(good[:32], "big"), int.from_bytes(good[32:], "big")
    add("DER", "ES256", ec_public(key), key.sign(message, ec.ECDSA(hashes.SHA256())), False)
    add("SHA-384", "ES256", ec_public(key), raw(key.sign(message, ec.ECDSA(hashes.SHA384()))), False)
    for name, first, second in (("r zero", 0, s), ("s zero", r, 0), ("r the order", P256_ORDER, s), ("s the order", r, P256_ORDER),
                                ("r and s exchanged", s, r), ("r one", 1, s)):
        add(name, "ES256", ec_public(key), first.to_bytes(32, "big") + second.to_bytes(32, "big"), False)
    if r + P256_ORDER < 2**256:
        add("r plus the order", "ES256", ec_public(key), (r + P256_ORDER).to_bytes(32, "big") + good[32:], False)

    key, other = ed25519.Ed25519PrivateKey.generate(), ed25519.Ed25519PrivateKey.generate()
    common("EdDSA", ed_public(key), key.sign(message), ed_public(other), key.sign)
    signature = key.sign(message)
    # s + L is the same number modulo the group's order; RFC 8032 §5.1.7 refuses it.
    order = 2**252 + 27742317777372353535851937790883648493
    malleable = signature[:32] + (int.from_bytes(signature[32:], "little") + order).to_bytes(32, "little")
    add("s plus the order", "EdDSA", ed_public(key), malleable, False)
    # RFC 8032 §7.1, test 2.
    add("RFC 8032 test 2", "EdDSA", {"x": "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"}, bytes.fromhex(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    ), True, b"\x72")
    small = rsa.generate_private_key(65537, 1024)
    write("signatures.json", {"smallRSA": rsa_public(small), "cases": cases})


if __name__ == "__main__":
    digests()
    aes256gcm()
    aes256gcm_forgeries()
    signatures()
