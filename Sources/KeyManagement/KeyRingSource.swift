public import Cryptography
public import Resilience

/// Where a key ring comes from. All sources behave alike; one test suite runs on each.
public protocol KeyRingSource: Sendable {
    /// Safe to show: `file /etc/novatune/keys.json`.
    var name: String { get }
    /// The paths that change when the ring does, for the watch on files.
    var watchedPaths: [String] { get }
    /// Reads the current ring. May wait for a service or a command, within their own time limits.
    func read() throws(KeyRingError) -> KeyRing
    /// Reads as much as is known without a service and without a command: nil where that is not the ring.
    func readLocally() throws(KeyRingError) -> KeyRing?
}

extension KeyRingSource {
    public func readLocally() throws(KeyRingError) -> KeyRing? { try read() }
}

/// Wraps and unwraps keys with a key that never leaves its service.
public protocol KeyWrapping: Sendable {
    /// For all keys of a ring together.
    var timeout: Duration { get }
    /// - Parameter version: bound to the wrapped key, so that it does not unwrap under another version's name.
    func wrap(_ key: SymmetricKey, version: KeyRing.Version, by deadline: Deadline) throws(KeyRingError) -> [UInt8]
    /// - Parameter version: the one that it was wrapped with.
    func unwrap(_ wrapped: [UInt8], version: KeyRing.Version, by deadline: Deadline) throws(KeyRingError)
        -> SymmetricKey
}

extension KeyRingDocument {
    /// - Parameter wrapping: nil where none is set up; then a wrapped ring is refused.
    public func ring(unwrappedBy wrapping: (any KeyWrapping)?) throws(KeyRingError) -> KeyRing {
        switch self {
        case .plain(let ring): return ring
        case .wrapped(let ring):
            guard let wrapping else {
                throw KeyRingError(
                    "the keys are wrapped; set NOVATUNE_KMS_KEY_ID, which says by which key of which service")
            }
            let deadline = Deadline(after: wrapping.timeout)
            var keys: [KeyRing.Version: SymmetricKey] = [:]
            for version in ring.versions {
                guard let wrapped = ring.keys[version] else { continue }
                keys[version] = try wrapping.unwrap(wrapped, version: version, by: deadline)
            }
            return try KeyRing(current: ring.current, keys: keys)
        }
    }

    /// The ring, where no service needs to unwrap it.
    func localRing(unwrappedBy wrapping: (any KeyWrapping)?) throws(KeyRingError) -> KeyRing? {
        if case .wrapped = self, wrapping != nil { return nil }
        return try ring(unwrappedBy: wrapping)
    }

    /// - Parameter text: is wiped.
    init(wiping text: consuming [UInt8]) throws(KeyRingError) {
        var text = text
        defer { text.wipe() }
        text.dropByteOrderMark()
        try self.init(json: text)
    }
}
