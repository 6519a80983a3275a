import Resilience
public import StreamIssuing

/// An object as its track describes it.
public struct StoredObject: Sendable {
    public let key: SecretText
    public let mimeType: String

    public init(key: SecretText, mimeType: String) {
        self.key = key
        self.mimeType = mimeType
    }
}

/// The tracks that may be streamed, for trying the object store with; no request needs them.
public enum ReadyTracks {
    /// The newest track before another one. ULIDs sort by time, and the primary key gives them in that order.
    private static let query = AccessQuery(
        """
        select t.track_id::text, t.object_key, t.mime_type from novatune.tracks t
        where t.track_id < $1 and t.status::text = $2 order by t.track_id desc limit 1
        """, parameterCount: 2)
    private static let highest = "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"

    /// - Parameters:
    ///   - count: at most; fewer where there are no more.
    ///   - conninfo: what `PostgreSQLTrackStore.isValid(conninfo:)` accepts.
    ///   - timeout: for connecting and all queries together.
    public static func newestObjects(_ count: Int, conninfo: any ConnectionStringSource, timeout: Duration)
        throws(Unavailable)
        -> [StoredObject]
    {
        let deadline = Deadline(after: timeout)
        do throws(PostgreSQLError) {
            let connection = try ConnectionTargets(conninfo).connect(by: deadline) { _, _ in }
            var (objects, former) = ([StoredObject](), highest)
            while objects.count < count {
                try connection.send(query, former, TrackStatus.ready.rawValue)
                let row = try connection.receive(by: deadline)
                guard row.rowCount == 1 else { break }
                former = try row.text(0)
                objects.append(StoredObject(key: SecretText(try row.text(1)), mimeType: try row.text(2)))
            }
            return objects
        } catch {
            throw error.unavailable
        }
    }
}
