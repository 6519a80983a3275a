public import Cryptography
public import Resilience

/// Stands for a service that is set up and is not to be asked, because its credentials are not known.
public struct UnaskedKeyWrapping: KeyWrapping {
    public init() {}

    public var timeout: Duration { .zero }

    public func wrap(_ key: SymmetricKey, version: KeyRing.Version, by deadline: Deadline) throws(KeyRingError)
        -> [UInt8]
    {
        throw Self.failure
    }

    public func unwrap(_ wrapped: [UInt8], version: KeyRing.Version, by deadline: Deadline) throws(KeyRingError)
        -> SymmetricKey
    {
        throw Self.failure
    }

    private static var failure: KeyRingError { KeyRingError("the key service is not asked") }
}
