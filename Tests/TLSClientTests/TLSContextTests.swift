import TLSClient
import TestSupport
import Testing

@Suite struct TLSContextTests {
    private static let made = Result { try TestCertificates() }
    private let certificates: TestCertificates

    init() throws { certificates = try Self.made.get() }

    private func expect(_ code: TLSError.Code, _ reason: String, _ files: TLSFiles) {
        let error = #expect(throws: TLSError.self) { try TLSContext(files) }
        #expect(error?.code == code && error?.description.contains(reason) == true, "\(String(describing: error))")
    }

    @Test func validFilesAreTaken() throws {
        _ = try TLSContext()
        _ = try TLSContext(TLSFiles(authorities: certificates.authority))
        _ = try TLSContext(TLSFiles(certificate: certificates.client.certificate, key: certificates.client.key))
    }

    @Test func missingFileIsNamedByItsKind() {
        let absent = certificates.path("absent")
        expect(.authoritiesFile, "No such file", TLSFiles(authorities: absent))
        expect(.certificateFile, "No such file", TLSFiles(certificate: absent, key: certificates.client.key))
        expect(.keyFile, "No such file", TLSFiles(certificate: certificates.client.certificate, key: absent))
        expect(.authoritiesFile, "not a regular file", TLSFiles(authorities: "/"))
    }

    @Test func fileWithoutWhatItMustHoldIsRefused() throws {
        let text = try certificates.write("-----BEGIN NOTHING-----\n", as: "text")
        expect(.authoritiesFile, "no certificates", TLSFiles(authorities: text))
        expect(.certificateFile, "no certificate", TLSFiles(certificate: text, key: certificates.client.key))
        expect(.keyFile, "no private key", TLSFiles(certificate: certificates.client.certificate, key: text))
    }

    @Test func keyOfAnotherCertificateIsRefused() {
        let files = TLSFiles(certificate: certificates.client.certificate, key: certificates.server.key)
        expect(.keyFile, "another certificate", files)
    }

    @Test func encryptedKeyIsRefusedWithoutAPrompt() throws {
        let key = try certificates.encryptedKey(of: certificates.client)
        expect(.keyFile, "not encrypted", TLSFiles(certificate: certificates.client.certificate, key: key))
    }
}
