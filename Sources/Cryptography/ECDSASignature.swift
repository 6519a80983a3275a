/// The two forms of an ECDSA signature.
enum ECDSASignature {
    /// `ECDSA-Sig-Value` of RFC 3279 §2.2.3, as OpenSSL reads it, from `r ‖ s` (RFC 7518 §3.4).
    /// - Parameter coordinateLength: of `r` and of `s`, in bytes: at most 48, so that DER's short form of lengths is
    ///   enough.
    /// - Returns: nil unless the signature has exactly two coordinates.
    static func distinguishedEncoding(_ signature: [UInt8], coordinateLength: Int) -> [UInt8]? {
        guard signature.count == 2 * coordinateLength else { return nil }
        let body = integer(signature[..<coordinateLength]) + integer(signature[coordinateLength...])
        return [0x30, UInt8(body.count)] + body
    }

    private static func integer(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var magnitude = Array(bytes.drop { $0 == 0 })
        // DER integers are signed: a leading zero keeps a set top bit positive, and zero itself is one byte.
        if magnitude.first.map({ $0 >= 0x80 }) ?? true { magnitude.insert(0, at: 0) }
        return [0x02, UInt8(magnitude.count)] + magnitude
    }
}
