import StreamIssuing

/// The plaintext of an entry of format 1, integers big-endian:
///
///     8 bytes  expiry, seconds since 1970
///     8 bytes  track version
///     8 bytes  user epoch
///     8 bytes  presign fingerprint
///     2 bytes  length of the object key
///     n bytes  object key, UTF-8
///     rest     URL, UTF-8
enum EntryCoding {
    private static let fixedLength = 34

    static func encode(_ entry: CachedStreamURL) -> [UInt8] {
        var bytes: [UInt8] = []
        let key = entry.validators.objectKey.exposeSecret().utf8
        bytes.reserveCapacity(fixedLength + key.count + entry.presigned.url.exposeSecret().utf8.count)
        append(UInt64(bitPattern: entry.presigned.expiresAt.seconds), to: &bytes)
        append(UInt64(bitPattern: entry.validators.trackVersion), to: &bytes)
        append(UInt64(bitPattern: entry.validators.userEpoch), to: &bytes)
        append(entry.validators.presignFingerprint, to: &bytes)
        append(UInt16(truncatingIfNeeded: key.count), to: &bytes)
        bytes.append(contentsOf: key)
        bytes.append(contentsOf: entry.presigned.url.exposeSecret().utf8)
        return bytes
    }

    /// Nil for anything that `encode` did not produce. The bytes are authenticated, so their text is not validated
    /// again.
    static func decode(_ bytes: [UInt8]) -> CachedStreamURL? {
        guard bytes.count > fixedLength else { return nil }
        let keyEnd = fixedLength + Int(UInt16(bytes[32]) << 8 | UInt16(bytes[33]))
        guard keyEnd < bytes.count else { return nil }
        let key = String(decoding: bytes[fixedLength..<keyEnd], as: UTF8.self)
        let url = String(decoding: bytes[keyEnd...], as: UTF8.self)
        let presigned = PresignedURL(
            url: SecretText(url), expiresAt: UnixTime(seconds: Int64(bitPattern: word(bytes, 0))))
        let validators = CacheValidators(
            trackVersion: Int64(bitPattern: word(bytes, 8)), objectKey: SecretText(key),
            userEpoch: Int64(bitPattern: word(bytes, 16)),
            presignFingerprint: word(bytes, 24))
        return CachedStreamURL(presigned: presigned, validators: validators)
    }

    private static func append(_ value: some FixedWidthInteger, to bytes: inout [UInt8]) {
        for shift in stride(from: value.bitWidth - 8, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }

    private static func word(_ bytes: [UInt8], _ offset: Int) -> UInt64 {
        bytes[offset..<offset + 8].reduce(0) { $0 << 8 | UInt64($1) }
    }
}
