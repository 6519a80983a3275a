public import StreamIssuing

/// Where a connection string comes from. It is asked before each new connection, so that a changed password needs no
/// restart. It may read a file, so it is never asked on an event loop.
public protocol ConnectionStringSource: Sendable {
    /// What `PostgreSQLTrackStore.isValid(conninfo:)` accepts.
    var current: SecretText { get }
}

extension SecretText: ConnectionStringSource {
    public var current: SecretText { self }
}
