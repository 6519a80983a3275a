import Cryptography
import HTTPClient
public import SigV4
public import StreamIssuing

/// Marks objects of a bucket as revoked and takes the mark away, by their tags. It needs s3:GetObjectTagging,
/// s3:PutObjectTagging and s3:DeleteObjectTagging, and s3:ListBucket to be shown that an object is gone. It reads no object.
///
/// Holds an HTTP connection: not thread-safe.
public final class ObjectTagger {
    public enum Outcome: String, Sendable, CaseIterable {
        case revoked, restored
        /// It had the right tag already.
        case unchanged
        /// There is no such object, so no URL leads to it.
        case gone
    }

    /// Longer than ten tags of the greatest length, and than an error document.
    private static let responseLimit = 65_536

    private let settings: S3Settings
    private let bucket: BucketAddress
    private let clock: any WallClock
    private let client: HTTPClient
    private var signer: RequestSigner
    /// Names no object.
    private let probeKey = "novatune-probe/\(String(UInt64.random(in: 0 ... .max), radix: 36))"

    public init(_ settings: S3Settings, credentials: Credentials, clock: any WallClock) {
        self.settings = settings
        self.clock = clock
        bucket = BucketAddress(
            endpoint: settings.endpoint, name: settings.bucket, addressing: settings.addressing,
            pathHandling: settings.pathHandling)
        client = HTTPClient(settings.files)
        signer = Self.signer(credentials, settings)
    }

    /// From the next call on.
    public func use(_ credentials: Credentials) { signer = Self.signer(credentials, settings) }

    private static func signer(_ credentials: Credentials, _ settings: S3Settings) -> RequestSigner {
        RequestSigner(credentials: credentials, region: settings.region, service: "s3")
    }

    /// Sets or removes the mark, and keeps the object's other tags. A change by another program between reading and
    /// writing them is lost: S3 has no condition for it.
    public func mark(_ objectKey: SecretText, revoked: Bool) throws(Unavailable) -> Outcome {
        try ObjectKey.check(objectKey)
        let key = objectKey.exposeSecret()
        guard let tags = try currentTags(key) else { return .gone }
        let wanted = tags.revoked(revoked)
        if wanted == tags { return .unchanged }
        if wanted.isTooLong {
            throw Unavailable(
                .objectStore, code: "too_many_tags",
                reason: "the object has \(ObjectTags.limit) tags, and the store takes no more; remove one of them")
        }
        let isThere = try wanted.isEmpty ? delete(key) : put(wanted, key)
        return !isThere ? .gone : revoked ? .revoked : .restored
    }

    /// Returns if the store takes what these settings and credentials sign, without an object.
    public func probe() throws(Unavailable) {
        do {
            _ = try currentTags(probeKey)
        } catch {
            // Also the answer for a missing object, where these credentials may not list the bucket.
            if error.code != "access_denied" { throw error }
        }
    }

    /// Nil where there is no object.
    private func currentTags(_ key: String) throws(Unavailable) -> ObjectTags? {
        let response = try call("GET", key)
        let body = S3ErrorBody(response)
        switch (response.status, body.code) {
        case (200, _):
            if let tags = ObjectTags(document: String(decoding: response.body, as: UTF8.self)) { return tags }
            throw Unavailable(
                .objectStore, code: "unknown_answer", reason: "the store's answer is no set of tags of an object")
        // An object without tags, on some stores.
        case (404, "NoSuchTagSet"), (404, "NoSuchTagSetError"): return ObjectTags()
        // The current version is a delete marker, on some stores. One that answers any key so is not of this kind.
        case (405, "MethodNotAllowed") where key != probeKey:
            try probe()
            return nil
        default:
            try expectMissing(response, key)
            return nil
        }
    }

    private func put(_ tags: ObjectTags, _ key: String) throws(Unavailable) -> Bool {
        let payload = Array(tags.document.utf8)
        // S3 wants a checksum of this call.
        let checksum = ("x-amz-checksum-sha256", SHA256().hash(payload.span).base64)
        let response = try call(
            "PUT", key, headers: [("content-type", "application/xml"), checksum], payload: payload)
        return try isThere(response, key)
    }

    private func delete(_ key: String) throws(Unavailable) -> Bool { try isThere(try call("DELETE", key), key) }

    private func isThere(_ response: HTTPResponse, _ key: String) throws(Unavailable) -> Bool {
        if response.status / 100 == 2 { return true }
        try expectMissing(response, key)
        return false
    }

    /// Returns where there is no object; any other refusal is thrown.
    private func expectMissing(_ response: HTTPResponse, _ key: String) throws(Unavailable) {
        let request = ObjectRequest(
            key: key, bucket: settings.bucket, addressing: settings.addressing, expiry: ObjectURLs.ownExpiry)
        let offset = ClockOffset(date: response.headers["date"], sent: clock.now, received: clock.now)
        let fault = StoreFault(response.status, S3ErrorBody(response), offset, request)
        switch fault {
        case .missingObject: return
        case .accessDenied:
            throw Unavailable(
                .objectStore, code: "access_denied",
                reason: """
                    these credentials may not change the object's tags (403); allow them s3:GetObjectTagging, \
                    s3:PutObjectTagging and s3:DeleteObjectTagging on arn:aws:s3:::\(settings.bucket)/*, and s3:ListBucket on \
                    the bucket, without which an object that is gone is answered in the same way
                    """)
        case let fault?: throw FaultText(settings: settings, side: .own, offset: offset).unavailable(fault)
        case nil:
            throw Unavailable(
                .objectStore, code: "http_\(response.status)", reason: "the store answered \(response.status)")
        }
    }

    private func call(
        _ method: String, _ key: String, headers: [(name: String, value: String)] = [], payload: [UInt8] = []
    ) throws(Unavailable) -> HTTPResponse {
        let signed: (url: String, headers: [(name: String, value: String)])
        do {
            signed = try signer.objectCall(
                method, "tagging", of: key, in: bucket, headers: headers, payload: payload, at: clock.now)
        } catch {
            throw Unavailable(.objectStore, code: "signing", reason: "\(error)")
        }
        let names = ["date", S3ErrorBody.regionHeader]
        do {
            return try method == "GET"
                ? client.get(
                    signed.url, headers: signed.headers, timeout: settings.timeout, responseLimit: Self.responseLimit,
                    reading: names)
                : client.send(
                    method, signed.url, headers: signed.headers, body: payload, timeout: settings.timeout,
                    responseLimit: Self.responseLimit, reading: names)
        } catch {
            throw S3Answer.noAnswer(error, settings.addressing)
        }
    }
}
