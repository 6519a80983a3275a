public import Cryptography

/// A key with the one algorithm that it may be used with.
public struct VerificationKey: Sendable, CustomStringConvertible {
    enum Material: Sendable {
        case secret(SymmetricKey)
        case publicKey(PublicKey)
    }

    /// `kid`; nil for the shared secret of the settings.
    public let id: String?
    public let algorithm: SignatureAlgorithm
    let material: Material

    /// At least 256 bits (RFC 7518 §3.2).
    public static let minimumSecretLength = 32

    init(id: String?, algorithm: SignatureAlgorithm, material: Material) {
        self.id = id
        self.algorithm = algorithm
        self.material = material
    }

    /// - Throws: where the secret has fewer than 32 bytes.
    public init(sharedSecret: SymmetricKey, id: String? = nil) throws(KeySetError) {
        guard sharedSecret.byteCount >= Self.minimumSecretLength else {
            throw KeySetError("an HS256 secret needs at least \(Self.minimumSecretLength) bytes")
        }
        self.init(id: id, algorithm: .hs256, material: .secret(sharedSecret))
    }

    /// Whether a token's header cannot tell the two apart.
    func isNamedAs(_ other: VerificationKey) -> Bool { id == other.id && algorithm == other.algorithm }

    public var description: String {
        id.map { "\(algorithm.rawValue) (kid \(KeyName.shown($0)))" } ?? algorithm.rawValue
    }
}

/// Verifies signatures with one key. Holds the context of a shared secret: not thread-safe.
final class SignatureChecker {
    private enum Check {
        case secret(HMACSHA256)
        case publicKey(PublicKey)
    }

    private let check: Check?

    init(_ key: VerificationKey) {
        switch key.material {
        case .publicKey(let key): check = .publicKey(key)
        // Creating the context fails only for lack of memory. Then no signature is valid.
        case .secret(let secret): check = (try? secret.withBytes { try HMACSHA256(key: $0) }).map { .secret($0) }
        }
    }

    func isValid(_ signature: JSONWebSignature) -> Bool {
        switch check {
        case .publicKey(let key): key.isValid(signature: signature.signature, for: signature.signingInput.span)
        case .secret(let secret):
            secret.authenticationCode(for: signature.signingInput.span).isEqual(to: signature.signature)
        case nil: false
        }
    }
}

/// Why a key set or secret is refused. Names keys by their `kid` only.
public struct KeySetError: Error, Sendable, Equatable, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}
