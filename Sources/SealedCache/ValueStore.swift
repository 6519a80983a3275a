/// Where sealed values are kept. All backends behave alike; one test suite runs on each.
///
/// Each value belongs to a group, a user's values for instance; a group's values are found without reading any other.
public protocol ValueStore: AnyObject {
    func value(forKey key: String) throws(ValueStoreError) -> [UInt8]?
    /// - Parameter timeToLive: at least 1 ms; reading does not extend it.
    func setValue(_ value: [UInt8], forKey key: String, in group: String, timeToLive: Duration) throws(ValueStoreError)
    /// - Parameter group: the one that it was set in.
    /// - Returns: whether there was one.
    @discardableResult func removeValue(forKey key: String, in group: String) throws(ValueStoreError) -> Bool
    /// - Returns: how many values there were.
    @discardableResult func removeValues(in group: String) throws(ValueStoreError) -> Int
    /// Removes every value whose key begins with `prefix` and a colon. Slow on a server: it reads every key there.
    /// - Returns: how many values there were.
    @discardableResult func removeValues(under prefix: String) throws(ValueStoreError) -> Int
    /// Raises a counter beside the values, from 0 where there is none yet. It does not expire.
    /// - Returns: the sum.
    @discardableResult func add(_ amount: Int64, toCounter key: String) throws(ValueStoreError) -> Int64
    /// Returns if the store answers.
    func ping() throws(ValueStoreError)
}

/// A store did not do as it was asked.
public struct ValueStoreError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A stable word for logs and metrics: `connect`, `timeout`, `lost`, `refused`, `protocol`; on a loop
    /// also `connecting`, `deadline`, `overloaded` and `closed`, which say nothing about the server.
    public let code: String
    /// Safe to log: neither key nor value.
    public let reason: String

    public init(code: String, reason: String) {
        self.code = code
        self.reason = reason
    }

    public var description: String { "\(reason) (\(code))" }
}
