import PostgreSQLTrackStore
import S3ObjectStore
import SigV4
import StreamIssuing

/// Tries the object store as the service does, and the URLs as a player does.
struct StoreCheck {
    let store: S3ObjectStore
    let urlLifetime: Duration
    /// Of web pages whose players fetch the audio.
    let origins: [String]

    /// The end of the credentials, where it is known.
    /// - Parameter name: of the setting that they come from.
    func credentials(_ name: String, at now: UnixTime) -> [CheckFinding] {
        guard let expiration = store.credentials.expiration else { return [] }
        let left = now.duration(to: expiration), subject = "credentials"
        if left <= .zero {
            return [
                CheckFinding(
                    subject, .failed,
                    "expired at \(expiration.rfc3339); renew \(name), or look why what renews it no longer does")
            ]
        }
        guard left >= urlLifetime else {
            let lifetime = urlLifetime.components.seconds
            return [
                CheckFinding(
                    subject, .failed,
                    "end at \(expiration.rfc3339), in \(left.components.seconds) s, before a URL of \(lifetime) s would; replace them"
                )
            ]
        }
        return [CheckFinding(subject, .ok, "end at \(expiration.rfc3339)")]
    }

    /// - Parameter offset: as the probe of the store has seen it.
    func clock(_ offset: ClockOffset?) -> [CheckFinding] {
        guard let offset else { return [] }
        let isWarning = offset.isWorthWarning(false)
        return [
            CheckFinding(
                "clock", isWarning ? .warning : .ok, offset.description + (isWarning ? "; synchronise it (NTP)" : ""))
        ]
    }

    /// - Parameters:
    ///   - objects: the first that can be read is fetched.
    ///   - isNamed: whether the operator named the object.
    func objects(_ objects: [StoredObject], isNamed: Bool) -> [CheckFinding] {
        guard !objects.isEmpty else {
            return skipped("no track is Ready; --object KEY names an object to read")
        }
        var failure: Unavailable?
        for object in objects {
            do {
                try store.read(objectKey: object.key)
                return [CheckFinding("object", .ok, isNamed ? "can be read" : "of a new track, can be read")]
                    + publicURL(object)
            } catch {
                if failure?.isAboutOneTrack ?? true { failure = error }
            }
        }
        let isOfTracks = !isNamed && failure?.isAboutOneTrack == true
        let subject = isNamed ? "" : "of the newest Ready tracks: "
        return [
            CheckFinding("object", isOfTracks ? .warning : .failed, subject + (failure?.reason ?? ""))
        ] + skippedFetches("there is no object to fetch; --object KEY names one")
    }

    func skipped(_ reason: String) -> [CheckFinding] {
        [CheckFinding("object", .skipped, reason)] + skippedFetches(reason)
    }

    private func skippedFetches(_ reason: String) -> [CheckFinding] {
        [CheckFinding("public url", .skipped, reason)]
            + (origins.isEmpty ? [] : [CheckFinding("cors", .skipped, reason)])
    }

    /// One fetch, and one more for each further origin.
    private func publicURL(_ object: StoredObject) -> [CheckFinding] {
        let subject = "public url"
        let answers: [(origin: String, answer: PlayerAnswer)]
        do throws(Unavailable) {
            if origins.isEmpty {
                answers = [("", try fetch(object, nil))]
            } else {
                var fetched: [(String, PlayerAnswer)] = []
                for origin in origins { fetched.append((origin, try fetch(object, origin))) }
                answers = fetched
            }
        } catch {
            guard ["connect", "timeout", "lost"].contains(error.code) else {
                let name = error.code == "tls" ? "NOVATUNE_S3_PUBLIC_ENDPOINT: " : ""
                return [CheckFinding(subject, .failed, name + error.reason)]
            }
            return [
                CheckFinding(
                    subject, .warning,
                    "this machine does not reach NOVATUNE_S3_PUBLIC_ENDPOINT: \(error.reason); fetch one where players are"
                )
            ]
        }
        guard answers.allSatisfy(\.answer.isRangeGiven) else {
            return [
                CheckFinding(
                    subject, .failed,
                    "answers 200 and all of the object to a request for two bytes: a proxy in front of NOVATUNE_S3_PUBLIC_ENDPOINT does not pass Range on"
                )
            ]
        }
        return [CheckFinding(subject, .ok, "answers with the two bytes that were asked for")] + cors(answers)
    }

    private func cors(_ answers: [(origin: String, answer: PlayerAnswer)]) -> [CheckFinding] {
        origins.isEmpty ? [] : CORSFindings.findings(answers.map { ($0.origin, $0.answer.corsFault) })
    }

    private func fetch(_ object: StoredObject, _ origin: String?) throws(Unavailable) -> PlayerAnswer {
        try store.fetchAsPlayer(objectKey: object.key, contentType: object.mimeType, origin: origin)
    }
}
