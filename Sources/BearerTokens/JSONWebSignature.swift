import StrictJSON

/// A token taken apart (compact serialization, RFC 7515 §7.1); nothing in it is believed yet.
struct JSONWebSignature {
    let algorithm: SignatureAlgorithm
    let keyID: String?
    /// `header.payload`, what the signature is over.
    let signingInput: ArraySlice<UInt8>
    let payload: [UInt8]
    let signature: [UInt8]

    /// Parameters that bring a key along (RFC 7515 §4.1.2–4.1.6), ask for understanding (§4.1.11) or change the payload (RFC 7797).
    private static let forbiddenParameters = ["jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "enc"]

    init(_ token: [UInt8]) throws(TokenRejection) {
        let parts = token.split(separator: UInt8(ascii: "."), maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 3, let headerText = Base64URL.decode(parts[0]), let payload = Base64URL.decode(parts[1]),
            let signature = Base64URL.decode(parts[2])
        else { throw .malformed }
        guard let header = (try? JSONReader.read(headerText))?.objectValue else { throw .malformed }
        guard Self.forbiddenParameters.allSatisfy({ header[$0] == nil }) else { throw .forbiddenHeader }
        keyID = try Self.optionalString(header["kid"])
        _ = try Self.optionalString(header["typ"])
        guard let name = try Self.optionalString(header["alg"]) else { throw .malformed }
        guard let algorithm = SignatureAlgorithm(rawValue: name) else { throw .unknownKey }
        self.algorithm = algorithm
        self.payload = payload
        self.signature = signature
        signingInput = token[..<parts[1].endIndex]
    }

    private static func optionalString(_ value: JSONValue?) throws(TokenRejection) -> String? {
        guard let value else { return nil }
        guard let text = value.stringValue else { throw .malformed }
        return text
    }
}
