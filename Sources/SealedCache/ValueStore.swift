/// Where sealed values lie. Both backends behave alike; one suite of tests runs on each.
public protocol ValueStore: AnyObject {
    func value(forKey key: String) throws(ValueStoreError) -> [UInt8]?
    /// - Parameter timeToLive: at least 1 ms; reading does not extend it.
    func setValue(_ value: [UInt8], forKey key: String, timeToLive: Duration) throws(ValueStoreError)
    func removeValue(forKey key: String) throws(ValueStoreError)
    /// Returns if the store answers.
    func ping() throws(ValueStoreError)
}

/// A store that did not do what it was asked.
public struct ValueStoreError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A stable word for logs and metrics: `connect`, `timeout`, `lost`, `refused`.
    public let code: String
    /// Safe to log: neither key nor value.
    public let reason: String

    public init(code: String, reason: String) {
        self.code = code
        self.reason = reason
    }

    public var description: String { "\(reason) (\(code))" }
}
