public import Cryptography
import Resilience

extension KeyRingDocument {
    public var current: KeyRing.Version {
        switch self {
        case .plain(let ring): ring.current
        case .wrapped(let ring): ring.current
        }
    }

    public var versions: [KeyRing.Version] {
        switch self {
        case .plain(let ring): ring.versions
        case .wrapped(let ring): ring.versions
        }
    }

    /// The name of the next version: the last one's number plus one, `v3` after `v2`.
    public var nextVersion: KeyRing.Version {
        let last = versions.last ?? "v0"
        let digits = last.reversed().prefix { ("0"..."9").contains($0) }.count
        let stem = last.dropLast(digits)
        guard digits > 0, let number = UInt64(last.suffix(digits)), number < .max else { return "\(last)-2" }
        return "\(stem)\(number + 1)"
    }

    /// The ring with one more key; wrapped, where the others are.
    /// - Parameters:
    ///   - wrapping: may be nil where the ring is not wrapped.
    ///   - isCurrent: whether the key seals new entries from now on.
    public func adding(
        _ key: SymmetricKey, as version: KeyRing.Version, isCurrent: Bool, wrappedBy wrapping: (any KeyWrapping)?
    ) throws(KeyRingError) -> KeyRingDocument {
        guard KeyRing.isVersion(version) else { throw KeyRingError("a version is 1 to 255 of A-Z a-z 0-9 . _ -") }
        guard !versions.contains(version) else { throw KeyRingError("version \(version) is there already") }
        let next = isCurrent ? version : current
        switch self {
        case .plain(let ring):
            return .plain(try KeyRing(current: next, keys: ring.keys.merging([version: key]) { $1 }))
        case .wrapped(let ring):
            guard let wrapping else {
                throw KeyRingError("the keys are wrapped; set NOVATUNE_KMS_KEY_ID to wrap the new one")
            }
            let wrapped = try wrapping.wrap(key, version: version, by: Deadline(after: wrapping.timeout))
            return .wrapped(try WrappedKeyRing(current: next, keys: ring.keys.merging([version: wrapped]) { $1 }))
        }
    }

    /// The ring with another of its versions as the current one.
    public func using(_ version: KeyRing.Version) throws(KeyRingError) -> KeyRingDocument {
        guard versions.contains(version) else { throw KeyRingError("there is no version \(version)") }
        switch self {
        case .plain(let ring): return .plain(try KeyRing(current: version, keys: ring.keys))
        case .wrapped(let ring): return .wrapped(try WrappedKeyRing(current: version, keys: ring.keys))
        }
    }

    /// The ring without one of its versions: entries that it sealed do not open any more.
    public func removing(_ version: KeyRing.Version) throws(KeyRingError) -> KeyRingDocument {
        guard versions.contains(version) else { throw KeyRingError("there is no version \(version)") }
        guard version != current else {
            throw KeyRingError("version \(version) is the current one; make another one current first")
        }
        switch self {
        case .plain(let ring):
            return .plain(try KeyRing(current: current, keys: ring.keys.filter { $0.key != version }))
        case .wrapped(let ring):
            return .wrapped(try WrappedKeyRing(current: current, keys: ring.keys.filter { $0.key != version }))
        }
    }

    /// The same ring with each key wrapped.
    public func wrapped(by wrapping: any KeyWrapping) throws(KeyRingError) -> KeyRingDocument {
        guard case .plain(let ring) = self else { throw KeyRingError("the keys are wrapped already") }
        let deadline = Deadline(after: wrapping.timeout)
        var keys: [KeyRing.Version: [UInt8]] = [:]
        for version in ring.versions {
            guard let key = ring.keys[version] else { continue }
            keys[version] = try wrapping.wrap(key, version: version, by: deadline)
        }
        return .wrapped(try WrappedKeyRing(current: ring.current, keys: keys))
    }
}
