import StreamIssuing

/// A listener, a track and what the database knows, all in order unless a test says otherwise.
enum Facts {
    static let now: Int64 = 1_767_875_400
    static let userID = ULID("01HXK5Z8J3QW9R7N2M4P6T8V0B")!
    static let identity = UserIdentity(issuer: "https://login.example.com/", subject: "auth0|4711")!
    static let ownerID = ULID("01HXK5Z8J3QW9R7N2M4P6T8V0D")!
    static let trackID = ULID("01HXK5Z8J3QW9R7N2M4P6T8V0C")!

    static func listener(_ user: UserReference = .id(userID), issuedAt: Int64? = now - 60) -> Listener {
        Listener(user: user, holdsListenerRole: true, tokenIssuedAt: issuedAt.map { UnixTime(seconds: $0) })
    }

    static func user(_ status: String = "Active", epoch: Int64 = 3, validAfterMicroseconds: Int64 = .min)
        -> AccessFacts.User
    {
        AccessFacts.User(
            id: userID, status: UserStatus(rawValue: status), sessionEpoch: epoch,
            tokensValidAfterMicroseconds: validAfterMicroseconds)
    }

    static func track(_ status: String = "Ready", version: Int64 = 7, objectKey: SecretText = "audio/k.mp3") -> Track {
        Track(
            id: trackID, ownerID: ownerID, status: TrackStatus(rawValue: status), version: version,
            objectKey: objectKey,
            mimeType: "audio/mpeg",
            sizeInBytes: 15_728_640)
    }

    /// - Parameter key: empty where the track has no waveform.
    static func waveform(_ status: String = "Ready", key: SecretText = "waveforms/k.json") -> Track {
        Track(
            id: trackID, ownerID: ownerID, status: TrackStatus(rawValue: status), version: 7, part: .waveform,
            objectKey: key, mimeType: "application/json", sizeInBytes: 0)
    }

    static func facts(
        user: AccessFacts.User? = user(), track: Track? = track(), accessExpiresAt: UnixTime? = .distantFuture
    ) -> AccessFacts {
        AccessFacts(user: user, track: track, accessExpiresAt: accessExpiresAt)
    }
}
