import SealedCache
import TestSupport
import Testing

@testable import novatune_streamd

/// The settings of a cache server that speaks TLS.
@Suite struct CacheSettingsTests {
    private static let made = Result { try TestCertificates() }
    private let certificates: TestCertificates

    init() throws { certificates = try Self.made.get() }

    private func environment(_ changes: [String: String], url: String = "rediss://cache") -> [String: String] {
        Environments.least.merging(["NOVATUNE_CACHE_URL": url]) { $1 }.merging(changes) { $1 }
    }

    @Test func certificatesAreTaken() throws {
        let settings = try Environments.read(
            environment([
                "NOVATUNE_CACHE_CA_FILE": certificates.authority,
                "NOVATUNE_CACHE_CLIENT_CERTIFICATE_FILE": certificates.client.certificate,
                "NOVATUNE_CACHE_CLIENT_KEY_FILE": certificates.client.key,
            ]))
        #expect(settings.cache.url.usesTLS)
        for path in [certificates.authority, certificates.client.certificate, certificates.client.key] {
            #expect(settings.watchedPaths.contains(path), "a reload takes a new certificate")
        }
    }

    @Test(arguments: ["CA", "CLIENT_CERTIFICATE", "CLIENT_KEY"])
    func fileBesideAServerWithoutTLSIsRefused(_ name: String) {
        let setting = "NOVATUNE_CACHE_\(name)_FILE"
        for url in ["redis://cache", "memory:", "unix:/run/redis.sock"] {
            let issues = Environments.issues(environment([setting: certificates.authority], url: url))
            #expect(issues.count == 1 && issues[0].hasPrefix(setting) && issues[0].contains("rediss://"), "\(issues)")
        }
    }

    @Test func halfAClientCertificateNamesTheMissingFile() {
        let certificate = "NOVATUNE_CACHE_CLIENT_CERTIFICATE_FILE", key = "NOVATUNE_CACHE_CLIENT_KEY_FILE"
        let withoutKey = Environments.issues(environment([certificate: certificates.client.certificate]))
        let withoutCertificate = Environments.issues(environment([key: certificates.client.key]))
        #expect(withoutKey.count == 1 && withoutKey[0].hasPrefix("\(key) is required"))
        #expect(withoutCertificate.count == 1 && withoutCertificate[0].hasPrefix("\(certificate) is required"))
    }

    @Test func issueNamesTheFileThatIsWrong() {
        func issues(_ authority: String, _ certificate: String, _ key: String) -> [String] {
            Environments.issues(
                environment([
                    "NOVATUNE_CACHE_CA_FILE": authority, "NOVATUNE_CACHE_CLIENT_CERTIFICATE_FILE": certificate,
                    "NOVATUNE_CACHE_CLIENT_KEY_FILE": key,
                ]))
        }
        let (authority, client) = (certificates.authority, certificates.client)
        let rows = [
            ("NOVATUNE_CACHE_CA_FILE", issues("/absent", client.certificate, client.key)),
            ("NOVATUNE_CACHE_CLIENT_CERTIFICATE_FILE", issues(authority, client.key, client.key)),
            ("NOVATUNE_CACHE_CLIENT_KEY_FILE", issues(authority, client.certificate, certificates.server.key)),
        ]
        for (name, found) in rows { #expect(found.count == 1 && found[0].hasPrefix("\(name): "), "\(found)") }
    }
}
