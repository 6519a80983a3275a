import StreamIssuing

/// Forms of the access query that a session has prepared.
struct PreparedForms: OptionSet {
    let rawValue: UInt8

    static let byID = PreparedForms(rawValue: 1)
    static let byIdentity = PreparedForms(rawValue: 2)
    static let waveformByID = PreparedForms(rawValue: 4)
    static let waveformByIdentity = PreparedForms(rawValue: 8)

    init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The form for a question.
    init(_ user: UserReference, _ part: TrackPart) {
        self =
            switch (user, part) {
            case (.id, .audio): .byID
            case (.identity, .audio): .byIdentity
            case (.id, .waveform): .waveformByID
            case (.identity, .waveform): .waveformByIdentity
            }
    }
}

extension PostgreSQLConnection {
    /// Whether a question is sent by the name of a prepared statement.
    func sendsByName(_ user: UserReference, _ part: TrackPart) -> Bool {
        prepared.contains(PreparedForms(user, part))
    }
}
