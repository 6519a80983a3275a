import StreamIssuing
import StrictJSON

/// A parsed token (compact serialization, RFC 7515 §7.1); nothing in it is trusted yet.
struct JSONWebSignature {
    let header: JOSEHeader
    /// `header.payload`, the input of the signature.
    let signingInput: ArraySlice<UInt8>
    private let encodedPayload: ArraySlice<UInt8>
    let signature: [UInt8]

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

    /// Parameters that require an extension (RFC 7515 §4.1.11) or change the payload (RFC 7797, RFC 7516). Those that
    /// carry a key, or name the address of one (§4.1.2–4.1.7), are never read: some providers send them always.
    private static let forbiddenParameters = ["crit", "b64", "zip", "enc"]

    init(_ encoded: ArraySlice<UInt8>) throws(TokenRejection) {
        guard let text = Base64URL.decode(encoded), let header = (try? JSONReader.read(text))?.objectValue else {
            throw .malformed
        }
        guard Self.forbiddenParameters.allSatisfy({ header[$0] == nil }) else { throw .forbiddenHeader }
        keyID = try Self.optionalString(header["kid"])
        if let type = try Self.optionalString(header["typ"]), !Self.isAccessToken(type) { throw .wrongType }
        guard let name = try Self.optionalString(header["alg"]) else { throw .malformed }
        guard let algorithm = SignatureAlgorithm(alg: name) else { throw .unknownKey }
        self.algorithm = algorithm
    }

    /// RFC 8725 §3.11: a token with an explicit type of another kind, such as `logout+jwt`, is no access token. `at+jwt`
    /// is that of RFC 9068 §2.1, and providers put words before it.
    private static func isAccessToken(_ type: String) -> Bool {
        let type = type.lowercased()
        return !type.hasSuffix("+jwt") || type.hasSuffix("at+jwt")
    }

    private static func optionalString(_ value: JSONValue?) throws(TokenRejection) -> String? {
        guard let value else { return nil }
        guard let text = value.stringValue else { throw .malformed }
        return text
    }

    /// The last accepted header. All tokens of one key have the same header, so a forged token costs little more than
    /// its hash.
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
