/// Where sealed values are kept. All backends behave alike; one test suite runs on each.
///
/// Each value belongs to a group, a user's values for instance; a group's values are found without reading any other.
/// A group is `prefix:name`, and its keys begin with it and a colon; neither prefix nor name contains a colon.
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
    /// Does everything that requests and invalidations do, on a key of its own; returns if all of it works.
    /// - Parameter prefix: the first part of each key. `removeValues(under:)` does not count the key of a probe.
    func probe(under prefix: String) throws(ValueStoreError)
}

/// A store did not do as it was asked.
public struct ValueStoreError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A stable word for logs and metrics: `connect`, `tls`, `timeout`, `lost`, `refused`, `protocol`; on a loop
    /// also `connecting`, `deadline`, `overloaded` and `closed`, which are no failures of the server.
    public let code: String
    /// Safe to log: neither key nor value.
    public let reason: String
    /// The name of the error that the server answered, such as `NOPERM`; nil where it answered none.
    let serverError: String?
    /// Whether the connection on which it occurred is unusable.
    let endsConnection: Bool
    /// The node of a cluster that has the key; nil where none was named.
    let redirection: Redirection?

    public init(code: String, reason: String) {
        self.init(code: code, reason: reason, serverError: nil)
    }

    init(
        code: String, reason: String, serverError: String?, endsConnection: Bool = true, redirection: Redirection? = nil
    ) {
        self.code = code
        self.reason = reason
        self.serverError = serverError
        self.endsConnection = endsConnection
        self.redirection = redirection
    }

    public var description: String { "\(reason) (\(code))" }
}
