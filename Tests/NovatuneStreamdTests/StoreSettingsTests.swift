import HTTPClient
import S3ObjectStore
import SigV4
import TestSupport
import Testing

@testable import novatune_streamd

/// The store's files and endpoints with a path.
@Suite struct StoreSettingsTests {
    private let directory: TemporaryDirectory
    private let certificate, key, both: String

    init() throws {
        directory = try TemporaryDirectory()
        let (certificateText, keyText) = (Self.block("CERTIFICATE"), Self.block("PRIVATE KEY"))
        certificate = try directory.write(certificateText, as: "certificate.pem")
        key = try directory.write(keyText, as: "key.pem")
        both = try directory.write("# text before it\n" + certificateText + keyText, as: "both.pem")
    }

    private static func block(_ label: String) -> String {
        "-----BEGIN \(label)-----\nMIIB\n-----END \(label)-----\n"
    }

    private func files(_ changes: KeyValuePairs<String, String?>) throws -> TLSFiles {
        try Environments.read(Environments.least(with: changes)).s3.files
    }

    @Test func filesOfTheStoreAreTaken() throws {
        #expect(try files([:]) == TLSFiles())
        #expect(
            try files([
                "NOVATUNE_S3_CA_FILE": certificate, "NOVATUNE_S3_CLIENT_CERTIFICATE_FILE": certificate,
                "NOVATUNE_S3_CLIENT_KEY_FILE": key,
            ]) == TLSFiles(certificateAuthorities: certificate, clientCertificate: certificate, clientKey: key))
        #expect(
            try files(["NOVATUNE_S3_CLIENT_CERTIFICATE_FILE": both]) == TLSFiles(clientCertificate: both))
    }

    @Test func fileThatCannotServeIsOneIssue() throws {
        let encrypted = try directory.write(Self.block("ENCRYPTED PRIVATE KEY"), as: "encrypted.pem")
        let wrong: [(setting: String, value: String, reason: String)] = [
            ("CA_FILE", "/no/such/file.pem", "cannot read"), ("CA_FILE", key, "no line -----BEGIN CERTIFICATE-----"),
            ("CLIENT_CERTIFICATE_FILE", certificate, "set NOVATUNE_S3_CLIENT_KEY_FILE"),
            ("CLIENT_CERTIFICATE_FILE", key, "no line -----BEGIN CERTIFICATE-----"),
            ("CLIENT_KEY_FILE", key, "needs NOVATUNE_S3_CLIENT_CERTIFICATE_FILE"),
        ]
        for (setting, value, reason) in wrong {
            let issues = Environments.issues(Environments.least(with: ["NOVATUNE_S3_\(setting)": value]))
            #expect(issues.count == 1 && issues[0].hasPrefix("NOVATUNE_S3_\(setting)"), "\(issues)")
            #expect(issues.first?.contains(reason) == true, "\(issues)")
        }
        let issues = Environments.issues(
            Environments.least(with: [
                "NOVATUNE_S3_CLIENT_CERTIFICATE_FILE": certificate, "NOVATUNE_S3_CLIENT_KEY_FILE": encrypted,
            ]))
        #expect(issues.count == 1 && issues[0].contains("encrypted key"), "\(issues)")
    }

    @Test func endpointsMayHaveAPath() throws {
        let store = try Environments.read(
            Environments.least(with: [
                "NOVATUNE_S3_ENDPOINT": "http://proxy.internal/s3/", "NOVATUNE_S3_ENDPOINT_PATH": "removed",
                "NOVATUNE_S3_PUBLIC_ENDPOINT": "https://proxy.example/s3",
            ])
        ).s3
        #expect(store.endpoint == Endpoint(withPath: "http://proxy.internal/s3") && store.pathHandling == .removed)
        #expect(store.publicEndpoint.path == "/s3")
        #expect(try Environments.read(Environments.least).s3.pathHandling == .kept)
    }

    @Test func cachedURLsOfAnotherPathAreNotUsed() throws {
        let credentials = Credentials(accessKeyID: "id", secretAccessKey: "secret")
        func fingerprint(_ changes: KeyValuePairs<String, String?>) throws -> String {
            try Environments.read(Environments.least(with: changes)).s3.fingerprintText(credentials)
        }
        let endpoint = "http://127.0.0.1:9000/s3"
        let texts = [
            try fingerprint([:]), try fingerprint(["NOVATUNE_S3_ENDPOINT": endpoint]),
            try fingerprint(["NOVATUNE_S3_ENDPOINT": endpoint, "NOVATUNE_S3_ENDPOINT_PATH": "removed"]),
        ]
        #expect(Set(texts).count == 3)
        // Without a path the setting changes nothing.
        #expect(try fingerprint(["NOVATUNE_S3_ENDPOINT_PATH": "removed"]) == texts[0])
    }

    @Test(arguments: [Row("NOVATUNE_S3_CREDENTIALS", "{}"), Row("NOVATUNE_S3_CREDENTIALS_FILE", "/no/such/file")])
    func issueForCredentialsInTwoPlacesNamesTheOneThatIsSet(_ row: Row<String>) {
        let issues = Environments.issues(Environments.least(with: [row.name: row.value]))
        #expect(issues.contains("NOVATUNE_S3_ACCESS_KEY_ID and \(row.name) are both set; keep one"), "\(issues)")
    }

    @Test func credentialsOfTheEnvironmentReplaceEitherFormOfTheFile() throws {
        let document = #"{"AccessKeyId":"of-a-document","SecretAccessKey":"s"}"#
        func accessKeyID(_ environment: KeyValuePairs<String, String>, file: String) throws -> String {
            var all = Environments.least
            for name in ["NOVATUNE_S3_ACCESS_KEY_ID", "NOVATUNE_S3_SECRET_ACCESS_KEY"] { all[name] = nil }
            for (name, value) in environment { all[name] = value }
            let source = SettingsSource(environment: all, configPath: try directory.write(file, as: "conf"))
            return try SettingsReader.read(source, inherited: [:]).secrets.storeCredentials.accessKeyID
        }
        let pair = "NOVATUNE_S3_ACCESS_KEY_ID=of-a-pair\nNOVATUNE_S3_SECRET_ACCESS_KEY=s\n"
        #expect(try accessKeyID(["NOVATUNE_S3_CREDENTIALS": document], file: pair) == "of-a-document")
        let path = try directory.write(document, as: "document.json")
        #expect(try accessKeyID(["NOVATUNE_S3_CREDENTIALS_FILE": path], file: pair) == "of-a-document")
        let other: KeyValuePairs = ["NOVATUNE_S3_ACCESS_KEY_ID": "of-a-pair", "NOVATUNE_S3_SECRET_ACCESS_KEY": "s"]
        #expect(try accessKeyID(other, file: "NOVATUNE_S3_CREDENTIALS_FILE=\(path)\n") == "of-a-pair")
        #expect(try accessKeyID(["NOVATUNE_S3_CREDENTIALS": ""], file: pair) == "of-a-pair")
        let command = "/bin/cat \(path)"
        #expect(try accessKeyID(["NOVATUNE_S3_CREDENTIALS_COMMAND": command], file: pair) == "of-a-document")
        #expect(try accessKeyID(other, file: "NOVATUNE_S3_CREDENTIALS_COMMAND=\(command)\n") == "of-a-pair")
    }

    @Test func credentialsOfAServiceAndOfSettingsAreNotBothTaken() {
        let issues = Environments.issues(Environments.least(with: ["NOVATUNE_S3_CREDENTIALS_SOURCE": "container"]))
        #expect(
            issues
                == ["ACCESS_KEY_ID", "SECRET_ACCESS_KEY"].map {
                    "NOVATUNE_S3_\($0) and NOVATUNE_S3_CREDENTIALS_SOURCE are both set; keep one"
                })
    }

    @Test func serviceThatNoVariableNamesIsOneIssue() {
        for (origin, name) in [("container", "AWS_CONTAINER_CREDENTIALS_FULL_URI"), ("web-identity", "AWS_ROLE_ARN")] {
            let issues = Environments.issues(
                Environments.least(with: [
                    "NOVATUNE_S3_CREDENTIALS_SOURCE": origin, "NOVATUNE_S3_ACCESS_KEY_ID": nil,
                    "NOVATUNE_S3_SECRET_ACCESS_KEY": nil,
                ]))
            #expect(issues.count == 1 && issues[0].contains(name), "\(issues)")
        }
    }

    @Test func originsOfNginxAreRead() {
        let environment = Environments.least(with: [
            "NOVATUNE_NGINX_CORS_ORIGINS": "https://a.example  https://b.example"
        ])
        let source = SettingsSource(environment: environment, configPath: nil)
        #expect(source.playerOrigins == ["https://a.example", "https://b.example"] && source.issues.isEmpty)
    }
}
