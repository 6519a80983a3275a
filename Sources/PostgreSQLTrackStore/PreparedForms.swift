import StreamIssuing

/// Forms of the access query that a session has prepared.
struct PreparedForms: OptionSet {
    let rawValue: UInt8

    static let byID = PreparedForms(rawValue: 1)
    static let byIdentity = PreparedForms(rawValue: 2)
}

extension PostgreSQLConnection {
    /// Whether a question about this user is sent by the name of a prepared statement.
    func sendsByName(_ user: UserReference) -> Bool {
        switch user {
        case .id: prepared.contains(.byID)
        case .identity: prepared.contains(.byIdentity)
        }
    }
}
