import Cryptography
import StrictJSON

/// The keys that verify tokens.
public struct KeySet: Sendable {
    public let keys: [VerificationKey]

    public init(_ keys: [VerificationKey]) throws(KeySetError) {
        guard !keys.isEmpty else { throw KeySetError("no key to check tokens with") }
        var identifiers: Set<String> = []
        for key in keys {
            let identifier = key.id ?? ""
            guard identifiers.insert(identifier).inserted else {
                throw KeySetError(key.id.map { "kid \($0) twice" } ?? "two keys without kid")
            }
        }
        self.keys = keys
    }

    /// The position of the key for a token's header, or nil. A `kid` must be known, and its key must have the token's algorithm. A token
    /// without a `kid` is verified with the only key of its algorithm.
    func position(for signature: JSONWebSignature) -> Int? {
        let candidates = keys.indices.lazy.filter { [keys] index in
            keys[index].algorithm == signature.algorithm && (signature.keyID == nil || keys[index].id == signature.keyID)
        }
        guard let first = candidates.first, candidates.dropFirst().isEmpty else { return nil }
        return first
    }

    /// A JWK Set (RFC 7517 §5). Each key needs `kid` and `alg`, so that a token cannot choose how it is verified.
    public static func keys(jsonWebKeySet text: [UInt8]) throws(KeySetError) -> [VerificationKey] {
        let root: JSONValue
        do { root = try JSONReader.read(text) } catch { throw KeySetError("the key set is not JSON: \(error)") }
        guard let members = root.objectValue?["keys"]?.arrayValue, !members.isEmpty else {
            throw KeySetError(#"a key set is {"keys":[…]} with at least one key"#)
        }
        var keys: [VerificationKey] = []
        for (index, member) in members.enumerated() {
            guard let object = member.objectValue else { throw KeySetError("key \(index + 1) is not an object") }
            keys.append(try JSONWebKey(object, position: index + 1).verificationKey())
        }
        return keys
    }
}

/// One member of a key set (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2).
private struct JSONWebKey {
    let object: JSONObject
    let name: String

    init(_ object: JSONObject, position: Int) throws(KeySetError) {
        self.object = object
        guard let id = object["kid"]?.stringValue, !id.isEmpty else { throw KeySetError("key \(position) has no kid") }
        name = id
        if let use = object["use"], use != .string("sig") { throw KeySetError("kid \(name): use is not \"sig\"") }
        let isPrivate = ["d", "p", "q", "dp", "dq", "qi"].contains { object[$0] != nil }
        guard !isPrivate else { throw KeySetError("kid \(name): this is a private key; leave its private members out") }
    }

    func verificationKey() throws(KeySetError) -> VerificationKey {
        guard let algorithmName = object["alg"]?.stringValue else { throw KeySetError("kid \(name): no alg") }
        guard let algorithm = SignatureAlgorithm(rawValue: algorithmName) else {
            let known = SignatureAlgorithm.allCases.map(\.rawValue).joined(separator: ", ")
            throw KeySetError("kid \(name): alg is not one of \(known)")
        }
        if algorithm == .hs256 {
            try expect("kty", "oct")
            let secret = SymmetricKey(try bytes("k"))
            guard secret.byteCount >= VerificationKey.minimumSecretLength else {
                throw KeySetError("kid \(name): an HS256 secret needs at least \(VerificationKey.minimumSecretLength) bytes")
            }
            return VerificationKey(id: name, algorithm: algorithm, material: .secret(secret))
        }
        return VerificationKey(id: name, algorithm: algorithm, material: .publicKey(try publicKey(algorithm)))
    }

    private func publicKey(_ algorithm: SignatureAlgorithm) throws(KeySetError) -> PublicKey {
        do {
            switch algorithm {
            case .rs256:
                try expect("kty", "RSA")
                return try .rsa(modulus: try bytes("n"), exponent: try bytes("e"))
            case .es256:
                try expect("kty", "EC")
                try expect("crv", "P-256")
                return try .p256(x: try bytes("x"), y: try bytes("y"))
            case .edDSA, .hs256:
                try expect("kty", "OKP")
                try expect("crv", "Ed25519")
                return try .ed25519(x: try bytes("x"))
            }
        } catch let error as KeySetError {
            throw error
        } catch {
            throw KeySetError("kid \(name): \(error)")
        }
    }

    private func expect(_ member: String, _ value: String) throws(KeySetError) {
        guard let text = object[member]?.stringValue, text == value else { throw KeySetError("kid \(name): \(member) is not \"\(value)\"") }
    }

    private func bytes(_ member: String) throws(KeySetError) -> [UInt8] {
        guard let text = object[member]?.string, let bytes = Base64URL.decode(text.utf8), !bytes.isEmpty else {
            throw KeySetError("kid \(name): \(member) is not base64url")
        }
        return bytes
    }
}
