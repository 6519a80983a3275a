public import Cryptography
import HTTPClient
public import Resilience
public import SigV4
public import StreamIssuing
import StrictJSON

/// Wraps and unwraps keys with `Encrypt` and `Decrypt` of AWS KMS (AWS Key Management Service API Reference), signed by
/// SigV4.
///
/// The encryption context binds each wrapped key to this purpose and to its version's name: under another version's
/// name it does not unwrap, and CloudTrail shows what it was unwrapped for.
public struct AWSKMS: KeyWrapping {
    public struct Settings: Sendable {
        /// `https`, or `http` on this machine only.
        public let endpoint: Endpoint
        public let region: String
        /// Key id, key ARN, alias name or alias ARN. A key that was wrapped by another key is refused.
        public let keyID: String
        public let credentials: Credentials
        /// For all keys of a ring together, retries included.
        public let timeout: Duration
        /// A PEM file instead of the machine's own authorities; nil for those.
        public let certificateAuthorities: String?

        public init(
            endpoint: Endpoint, region: String, keyID: String, credentials: Credentials, timeout: Duration,
            certificateAuthorities: String? = nil
        ) {
            self.endpoint = endpoint
            self.region = region
            self.keyID = keyID
            self.credentials = credentials
            self.timeout = timeout
            self.certificateAuthorities = certificateAuthorities
        }
    }

    private let settings: Settings
    private let clock: any WallClock

    /// A wrapped key has some 200 bytes.
    private static let responseLimit = 16 << 10
    private static let contentType = "application/x-amz-json-1.1"

    public init(_ settings: Settings, clock: any WallClock) {
        self.settings = settings
        self.clock = clock
    }

    public var timeout: Duration { settings.timeout }

    public func wrap(_ key: SymmetricKey, version: KeyRing.Version, by deadline: Deadline) throws(KeyRingError)
        -> [UInt8]
    {
        var plaintext = key.withBytes { Base64.encode($0) }
        defer { plaintext.wipe() }
        var body = try call("Encrypt", version, "Plaintext", plaintext, by: deadline)
        defer { body.wipe() }
        guard let wrapped = try member("CiphertextBlob", of: body, version).flatMap({ Base64.decode($0) }) else {
            throw failure(version, "answered without a CiphertextBlob", isTemporary: true)
        }
        return wrapped
    }

    public func unwrap(_ wrapped: [UInt8], version: KeyRing.Version, by deadline: Deadline) throws(KeyRingError)
        -> SymmetricKey
    {
        var body = try call("Decrypt", version, "CiphertextBlob", Base64.encode(wrapped), by: deadline)
        defer { body.wipe() }
        guard let key = try member("Plaintext", of: body, version).flatMap({ SymmetricKey(base64: $0) }) else {
            throw failure(version, "answered without a Plaintext", isTemporary: true)
        }
        guard key.byteCount == AES256GCM.keyLength else {
            throw failure(version, "unwrapped \(key.byteCount) bytes instead of \(AES256GCM.keyLength)")
        }
        return key
    }

    /// - Returns: the body of an answer with status 200.
    private func call(
        _ operation: String, _ version: KeyRing.Version, _ name: StaticString, _ value: [UInt8], by deadline: Deadline
    ) throws(KeyRingError) -> [UInt8] {
        var request = payload(version, name, value)
        defer { request.wipe() }
        var backoff = Backoff(from: .milliseconds(100), to: .seconds(2))
        let client = HTTPClient(TLSFiles(certificateAuthorities: settings.certificateAuthorities))
        var former: KMSRefusal?
        while true {
            let refusal: KMSRefusal
            do {
                let response = try post(operation, request, client, by: deadline)
                if response.status == 200 { return response.body }
                refusal = KMSRefusal(response)
            } catch let error as HTTPError {
                // After a refusal, the remaining time was too short for another answer, so the refusal stands.
                refusal = error.code == "timeout" ? former ?? KMSRefusal(error) : KMSRefusal(error)
            } catch {
                throw failure(version, "\(error)")
            }
            let wait = backoff.failed(jitter: Double.random(in: 0...1))
            guard refusal.isWorthRepeating, wait < deadline.remaining else {
                throw failure(version, refusal.reason, isTemporary: refusal.isTemporary)
            }
            former = refusal
            Pause.wait(wait)
        }
    }

    private func post(
        _ operation: String, _ request: [UInt8], _ client: HTTPClient, by deadline: Deadline
    ) throws -> HTTPResponse {
        let signer = RequestSigner(credentials: settings.credentials, region: settings.region, service: "kms")
        let headers = try signer.post(
            settings.endpoint,
            headers: [("content-type", Self.contentType), ("x-amz-target", "TrentService.\(operation)")],
            payload: request, at: clock.now)
        return try client.post(
            settings.endpoint.url, headers: headers, body: request, timeout: deadline.remaining,
            responseLimit: Self.responseLimit)
    }

    private func payload(_ version: KeyRing.Version, _ name: StaticString, _ base64: [UInt8]) -> [UInt8] {
        var text = JSONText()
        text.append("{\"KeyId\":")
        text.append(quoted: settings.keyID)
        text.append(",\"EncryptionContext\":{\"novatune:purpose\":\"stream-url-cache\",\"novatune:key-version\":")
        text.append(quoted: version)
        text.append("},\"")
        text.append(name)
        text.append("\":\"")
        var bytes: [UInt8] = []
        // Reserve all of it first, so that growing leaves no copies behind.
        bytes.reserveCapacity(text.bytes.count + base64.count + 2)
        bytes += text.bytes
        bytes += base64
        bytes += "\"}".utf8
        return bytes
    }

    private func member(_ name: String, of body: [UInt8], _ version: KeyRing.Version) throws(KeyRingError)
        -> ArraySlice<UInt8>?
    {
        guard let object = (try? JSONReader.read(body))?.objectValue else {
            throw failure(version, "answered something that is not JSON", isTemporary: true)
        }
        return object[name]?.string?.utf8
    }

    private func failure(_ version: KeyRing.Version, _ reason: String, isTemporary: Bool = false) -> KeyRingError {
        KeyRingError("version \(version): AWS KMS \(reason)", isTemporary: isTemporary)
    }
}
