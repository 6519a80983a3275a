import Cryptography
import HTTPClient
import KeyManagement
import OperatorSettings
import S3ObjectStore
import SealedCache
import SigV4

// The object store, and what must fit together for it.
extension SettingsReader {
    /// - Parameter ttlBuffer: of the cache.
    mutating func objectStore(_ ttlBuffer: Duration?) -> S3Settings? {
        let expiry = expiry(ttlBuffer)
        let window = signingWindow(expiry, ttlBuffer)
        let endpoint = value(S3Setting.endpoint)
        let publicEndpoint = source.text(S3Setting.publicEndpoint) == nil ? endpoint : value(S3Setting.publicEndpoint)
        let (region, bucket, addressing) = (
            value(S3Setting.region), value(S3Setting.bucket), value(S3Setting.addressing)
        )
        let (timeout, verification) = (value(S3Setting.timeout), value(S3Setting.verification))
        let (pathHandling, files, users) = (value(S3Setting.pathHandling), storeFiles(), value(S3Setting.presignUser))
        guard let endpoint, let publicEndpoint, let region, let bucket, let addressing, let timeout, let verification,
            let expiry, let pathHandling, let users
        else { return nil }
        checkEnds(bucket)
        if addressing == .virtual {
            checkVirtualAddressing(
                bucket, endpoints: verification == .none ? [publicEndpoint] : [endpoint, publicEndpoint])
            if bucket.contains("."), [endpoint, publicEndpoint].contains(where: { $0.scheme == .https }) {
                reportAddressing("no certificate fits a bucket name with dots under virtual addressing; use path")
            }
        }
        return S3Settings(
            endpoint: endpoint, publicEndpoint: publicEndpoint, region: region, bucket: bucket, addressing: addressing,
            presignExpiry: expiry, signingWindow: window, users: users, timeout: timeout, verification: verification,
            pathHandling: pathHandling,
            files: files)
    }

    private mutating func storeFiles() -> TLSFiles {
        let authorities = pemFile(S3Setting.certificateAuthorities, "CERTIFICATE")
        let certificate = pemFile(S3Setting.clientCertificate, "CERTIFICATE")
        let key = pemFile(S3Setting.clientKey, "PRIVATE KEY")
        if source.text(S3Setting.clientCertificate) == nil, source.text(S3Setting.clientKey) != nil {
            report(S3Setting.clientKey, "\(S3Setting.clientKey.name) needs \(S3Setting.clientCertificate.name)")
        }
        if certificate != nil, source.text(S3Setting.clientKey) == nil {
            _ = pemFile(S3Setting.clientCertificate, "PRIVATE KEY", hint: "; set \(S3Setting.clientKey.name)")
        }
        return TLSFiles(certificateAuthorities: authorities, clientCertificate: certificate, clientKey: key)
    }

    /// The file's path; nil where there is none, or where it has no such block (RFC 7468), which is an issue.
    mutating func pemFile(_ setting: Setting<String>, _ label: String, hint: String = "") -> String? {
        guard let path = source.text(setting) else { return nil }
        do {
            var bytes = try SecretFile.read(path)
            defer { bytes.wipe() }
            guard let reason = PEMText.issue(bytes, label) else { return path }
            issues.append(SettingIssue(setting.declaration, reason: "\(SecretFile.shown(path)) \(reason)\(hint)"))
        } catch {
            issues.append(SettingIssue(setting.declaration, reason: "\(error)"))
        }
        return nil
    }

    private mutating func expiry(_ ttlBuffer: Duration?) -> Duration? {
        guard let expiry = value(S3Setting.presignExpiry) else { return nil }
        if let ttlBuffer, ttlBuffer >= expiry {
            report(CacheSetting.ttlBuffer, "NOVATUNE_CACHE_TTL_BUFFER must be less than NOVATUNE_PRESIGN_EXPIRY")
        }
        if expiry.components.attoseconds != 0 {
            report(S3Setting.presignExpiry, "NOVATUNE_PRESIGN_EXPIRY: whole seconds only")
        }
        return expiry
    }

    /// Nil for none. The last URL of a window must live longer than the cache's buffer.
    private mutating func signingWindow(_ expiry: Duration?, _ ttlBuffer: Duration?) -> SigningWindow? {
        guard let window = value(S3Setting.presignWindow), window > .zero else { return nil }
        if window.components.attoseconds != 0 {
            report(S3Setting.presignWindow, "NOVATUNE_PRESIGN_WINDOW: whole seconds only")
        }
        if let expiry, let ttlBuffer, ttlBuffer < expiry, window > expiry - ttlBuffer {
            report(
                S3Setting.presignWindow,
                "NOVATUNE_PRESIGN_WINDOW must be at most NOVATUNE_PRESIGN_EXPIRY less NOVATUNE_CACHE_TTL_BUFFER")
        }
        return SigningWindow(length: window)
    }

    private mutating func checkEnds(_ bucket: String) {
        let name = bucket.split(separator: ":").last ?? ""
        let ends = [name.first, name.last]
        guard ends.allSatisfy({ $0?.isLetter == true || $0?.isNumber == true }) else {
            return report(S3Setting.bucket, "NOVATUNE_S3_BUCKET: begins and ends with a letter or digit")
        }
    }

    private mutating func checkVirtualAddressing(_ bucket: String, endpoints: [Endpoint]) {
        if endpoints.contains(where: { $0.host.hasPrefix("[") || $0.host.allSatisfy { $0.isNumber || $0 == "." } }) {
            reportAddressing("virtual needs an endpoint with a name, not an address")
        }
        if bucket.contains(":") { reportAddressing("a bucket of another tenant needs path") }
        if bucket.contains(where: { $0.isUppercase || $0 == "_" }) {
            reportAddressing("virtual needs a bucket of lower-case letters, digits, - and .")
        }
    }

    private mutating func reportAddressing(_ reason: String) {
        issues.append(SettingIssue(S3Setting.addressing.declaration, reason: reason))
    }

    mutating func credentials(_ id: Setting<String>, _ secret: Setting<String>, _ token: Setting<String>)
        -> Credentials?
    {
        for setting in [id, secret] where source.text(setting) == nil { reportMissing(setting.declaration) }
        guard let accessKeyID = source.text(id), let secretAccessKey = source.text(secret) else { return nil }
        return Credentials(accessKeyID: accessKeyID, secretAccessKey: secretAccessKey, sessionToken: source.text(token))
    }
}
