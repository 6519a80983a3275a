import HTTPClient
public import StreamIssuing

/// What a player gets through the public endpoint.
public struct PlayerAnswer: Sendable, Equatable {
    /// Whether it can ask for a part of the audio.
    public let isRangeGiven: Bool
    /// What keeps a page of the origin that asked from reading the answer.
    public let corsFault: CORSFault?
}

extension S3ObjectStore {
    /// Fetches the first two bytes of an object by a URL as it is issued for a player. It shows no client certificate,
    /// because players have none.
    /// - Parameter origin: of the page that the player belongs to; nil for none.
    /// - Throws: with the code `connect`, `timeout` or `lost` where there was no answer, which may be right on this
    ///   machine.
    public func fetchAsPlayer(objectKey: SecretText, contentType: String, origin: String? = nil) throws(Unavailable)
        -> PlayerAnswer
    {
        let url = try urls.get(objectKey, contentType: contentType, at: clock.now).url
        let client = HTTPClient(
            TLSFiles(certificateAuthorities: settings.files.certificateAuthorities, addsToMachineAuthorities: true))
        let fetched: ObjectFetch
        do {
            fetched = try ObjectFetch.fetch(
                url.exposeSecret(), client, clock, origin: origin, timeout: settings.timeout)
        } catch {
            // All of it came instead of two bytes.
            if error.code == "too_large" { return PlayerAnswer(isRangeGiven: false, corsFault: nil) }
            throw S3Answer.noAnswer(error, settings.addressing)
        }
        let request = ObjectRequest(
            key: objectKey.exposeSecret(), bucket: settings.bucket, addressing: settings.addressing,
            expiry: settings.presignExpiry)
        if let fault = fetched.fault(of: request) {
            throw FaultText(settings: settings, side: .players, offset: fetched.clockOffset).unavailable(fault)
        }
        return PlayerAnswer(
            isRangeGiven: fetched.response.status != 200, corsFault: origin.flatMap { fetched.corsFault($0) })
    }
}

/// How a request for an object is signed, to try what a store's webhook answers.
public enum RequestMark: Sendable, CaseIterable {
    /// As a player's URL, with `x-nt-u`.
    case user
    /// The same, without.
    case none
    /// Not at all.
    case anonymous
}

extension S3ObjectStore {
    /// Whether the store gives an object to a player's request of this kind.
    /// - Throws: where there was no answer, or neither the object nor a refusal.
    public func gives(objectKey: SecretText, contentType: String, to mark: RequestMark) throws(Unavailable) -> Bool {
        let urls = mark == .user ? self.urls : ObjectURLs(settings, credentials, clock, nil)
        let signed = try urls.get(objectKey, contentType: contentType, at: clock.now).url.exposeSecret()
        let url = mark == .anonymous ? String(signed.prefix { $0 != "?" }) : signed
        let client = HTTPClient(
            TLSFiles(certificateAuthorities: settings.files.certificateAuthorities, addsToMachineAuthorities: true))
        let status: Int
        do {
            status = try ObjectFetch.fetch(url, client, clock, timeout: settings.timeout).response.status
        } catch {
            // All of it came instead of two bytes.
            if error.code == "too_large" { return true }
            throw S3Answer.noAnswer(error, settings.addressing)
        }
        switch status {
        case 200, 206: return true
        case 401, 403: return false
        default:
            throw Unavailable(.objectStore, code: "http_\(status)", reason: "the object store answers \(status)")
        }
    }
}
