import Cryptography
import StrictJSON

/// One member of a key set (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2).
struct JSONWebKey {
    /// Why the key is not used; it quotes nothing but names of members and algorithms.
    struct Unusable: Error, Equatable {
        let reason: String

        init(_ reason: String) { self.reason = reason }
    }

    private static let privateMembers = ["d", "p", "q", "dp", "dq", "qi"]

    private let object: JSONObject
    /// `kid`; nil where there is none, or an empty one.
    let id: String?

    init(_ object: JSONObject) {
        self.object = object
        id = object["kid"]?.stringValue.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The key with each algorithm that it may be used with: the one of `alg`, or those that follow from `kty` and
    /// `crv`, never HS256.
    func verificationKeys() throws(Unusable) -> [VerificationKey] {
        try requireVerification()
        let algorithms = try algorithms()
        var keys: [VerificationKey] = []
        for algorithm in algorithms {
            keys.append(VerificationKey(id: id, algorithm: algorithm, material: try material(algorithm)))
        }
        return keys
    }

    private func requireVerification() throws(Unusable) {
        if let use = object["use"], use != .string("sig") { throw Unusable("use is not \"sig\"") }
        if let operations = object["key_ops"]?.arrayValue, !operations.contains(.string("verify")) {
            throw Unusable("key_ops has no \"verify\"")
        }
        guard Self.privateMembers.allSatisfy({ object[$0] == nil }) else {
            throw Unusable("private members are present: the key is no secret any more, replace it")
        }
    }

    private func algorithms() throws(Unusable) -> [SignatureAlgorithm] {
        guard let type = object["kty"]?.stringValue else { throw Unusable("no kty") }
        let family = try family(type)
        guard let alg = object["alg"] else {
            guard family != [.hs256] else { throw Unusable("kty \"oct\" without alg") }
            return family.filter { $0 != .ps256 }
        }
        guard let name = alg.stringValue, let algorithm = SignatureAlgorithm(alg: name) else {
            throw Unusable("alg is none of \(SignatureAlgorithm.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        guard family.contains(algorithm) else { throw Unusable("alg and kty do not belong together") }
        return [algorithm]
    }

    /// What a key of this type and curve can be used with.
    private func family(_ type: String) throws(Unusable) -> [SignatureAlgorithm] {
        switch (type, object["crv"]?.stringValue) {
        case ("RSA", _): [.rs256, .rs384, .rs512, .ps256]
        case ("EC", "P-256"): [.es256]
        case ("EC", "P-384"): [.es384]
        case ("OKP", "Ed25519"): [.edDSA]
        case ("oct", _): [.hs256]
        case ("EC", _): throw Unusable("crv is none of P-256, P-384")
        case ("OKP", _): throw Unusable("crv is not Ed25519")
        default: throw Unusable("kty is none of RSA, EC, OKP, oct")
        }
    }

    private func material(_ algorithm: SignatureAlgorithm) throws(Unusable) -> VerificationKey.Material {
        do {
            return switch algorithm {
            case .hs256: .secret(try secret())
            case .rs256: .publicKey(try rsa(.pkcs1SHA256))
            case .rs384: .publicKey(try rsa(.pkcs1SHA384))
            case .rs512: .publicKey(try rsa(.pkcs1SHA512))
            case .ps256: .publicKey(try rsa(.pssSHA256))
            case .es256: .publicKey(try .p256(x: try coordinate("x", 32), y: try coordinate("y", 32)))
            case .es384: .publicKey(try .p384(x: try coordinate("x", 48), y: try coordinate("y", 48)))
            case .edDSA: .publicKey(try .ed25519(x: try bytes("x")))
            }
        } catch let error as Unusable {
            throw error
        } catch {
            throw Unusable("\(error)")
        }
    }

    private func secret() throws(Unusable) -> SymmetricKey {
        let secret = SymmetricKey(try bytes("k"))
        guard secret.byteCount >= VerificationKey.minimumSecretLength else {
            throw Unusable("an HS256 secret needs at least \(VerificationKey.minimumSecretLength) bytes")
        }
        return secret
    }

    private func rsa(_ scheme: PublicKey.RSAScheme) throws -> PublicKey {
        try .rsa(scheme, modulus: try bytes("n"), exponent: try bytes("e"))
    }

    /// RFC 7518 §6.2.1.2 asks for the full length; some libraries leave leading zeros out, or add one.
    private func coordinate(_ member: String, _ length: Int) throws(Unusable) -> [UInt8] {
        let significant = Array(try bytes(member).drop { $0 == 0 })
        guard significant.count <= length else { throw Unusable("\(member) is longer than \(length) bytes") }
        return Array(repeating: 0, count: length - significant.count) + significant
    }

    private func bytes(_ member: String) throws(Unusable) -> [UInt8] {
        guard let text = object[member]?.string, let bytes = Base64URL.decode(text.utf8), !bytes.isEmpty else {
            throw Unusable("\(member) is not base64url")
        }
        return bytes
    }

    /// What makes two keys the same one, whatever else they state.
    var identity: [JSONValue?] { publicIdentity + [object["k"]] }

    /// Without secrets, and with what it is for. A key that was published with its private members is another one.
    var publicIdentity: [JSONValue?] {
        let isPrivate = Self.privateMembers.contains { object[$0] != nil }
        return ["kid", "kty", "crv", "alg", "use", "key_ops", "n", "e", "x", "y"].map { object[$0] }
            + [.boolean(isPrivate)]
    }
}
