import StrictJSON

/// A parsed token (compact serialization, RFC 7515 §7.1); nothing in it is trusted yet.
struct JSONWebSignature {
    let header: JOSEHeader
    /// `header.payload`, the input of the signature.
    let signingInput: ArraySlice<UInt8>
    private let encodedPayload: ArraySlice<UInt8>
    let signature: [UInt8]

    var algorithm: SignatureAlgorithm { header.algorithm }
    var keyID: String? { header.keyID }

    /// - Parameter headers: remembers the last accepted header.
    init(_ token: [UInt8], _ headers: inout JOSEHeader.HeaderCache) throws(TokenRejection) {
        let parts = token.split(separator: UInt8(ascii: "."), maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 3, let signature = Base64URL.decode(parts[2]) else { throw .malformed }
        header = try headers.header(parts[0])
        signingInput = token[..<parts[1].endIndex]
        encodedPayload = parts[1]
        self.signature = signature
    }

    init(_ token: [UInt8]) throws(TokenRejection) {
        var headers = JOSEHeader.HeaderCache()
        try self.init(token, &headers)
    }

    /// Read it only after the signature was verified.
    func payload() throws(TokenRejection) -> [UInt8] {
        guard let payload = Base64URL.decode(encodedPayload) else { throw .malformed }
        return payload
    }
}

/// A protected header (RFC 7515 §4) that is acceptable.
struct JOSEHeader {
    let algorithm: SignatureAlgorithm
    let keyID: String?

    /// Parameters that carry a key (RFC 7515 §4.1.2–4.1.6), require an extension (§4.1.11) or change the payload (RFC 7797).
    private static let forbiddenParameters = ["jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "enc"]

    init(_ encoded: ArraySlice<UInt8>) throws(TokenRejection) {
        guard let text = Base64URL.decode(encoded), let header = (try? JSONReader.read(text))?.objectValue else { throw .malformed }
        guard Self.forbiddenParameters.allSatisfy({ header[$0] == nil }) else { throw .forbiddenHeader }
        keyID = try Self.optionalString(header["kid"])
        _ = try Self.optionalString(header["typ"])
        guard let name = try Self.optionalString(header["alg"]) else { throw .malformed }
        guard let algorithm = SignatureAlgorithm(rawValue: name) else { throw .unknownKey }
        self.algorithm = algorithm
    }

    private static func optionalString(_ value: JSONValue?) throws(TokenRejection) -> String? {
        guard let value else { return nil }
        guard let text = value.stringValue else { throw .malformed }
        return text
    }

    /// The last accepted header. All tokens of one key have the same header, so a forged token costs little more than its hash.
    struct HeaderCache {
        private var encoded: [UInt8] = []
        private var last: JOSEHeader?

        mutating func header(_ encoded: ArraySlice<UInt8>) throws(TokenRejection) -> JOSEHeader {
            if let last, encoded.elementsEqual(self.encoded) { return last }
            let header = try JOSEHeader(encoded)
            self.encoded = Array(encoded)
            last = header
            return header
        }
    }
}
