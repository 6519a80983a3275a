import TLSClient
import TestSupport
import Testing

/// The client's handshake, and peers that do not complete it. A complete one needs a server: see IntegrationTests.
@Suite struct TLSSessionTests {
    private func session(_ host: String = "cache.example") throws -> TLSSession {
        try TLSSession(TLSContext(), host: host)
    }

    private func hello(_ host: String) throws -> [UInt8] {
        let session = try session(host)
        #expect(try !session.continueHandshake())
        #expect(session.hasOutgoing)
        var hello: [UInt8] = []
        session.moveOutgoing(to: &hello)
        #expect(!session.hasOutgoing)
        return hello
    }

    @Test func handshakeBeginsWithAClientHello() throws {
        // RFC 8446 §5.1: a handshake record, whose first message is client_hello (§4).
        let hello = try hello("cache.example")
        #expect(hello[0] == 22 && hello[5] == 1)
    }

    @Test func clientHelloNamesTheHostWhereItIsAName() throws {
        #expect(try hello("cache.example").contains(Array("cache.example".utf8)))
        #expect(try !hello("192.0.2.1").contains(Array("192.0.2.1".utf8)))
        #expect(try !hello("2001:db8::1").contains(Array("2001:db8::1".utf8)))
    }

    /// - Parameter description: RFC 8446 §6.
    private static func alert(_ description: UInt8) -> [UInt8] { [21, 3, 3, 0, 2, 2, description] }

    @Test(
        arguments: [
            Row("error reply of Redis", (Array("-ERR unknown command\r\n".utf8), .notTLS)),
            Row("answer of a web server", (Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8), .notTLS)),
            Row("handshake_failure", (alert(40), .clientCertificateRequired)),
            Row("bad_certificate", (alert(42), .clientCertificateRefused)),
            Row("unknown_ca", (alert(48), .clientCertificateRefused)),
            Row("protocol_version", (alert(70), .oldVersion)),
            Row("internal_error", (alert(80), .failed)),
            Row("unrecognized_name", (alert(112), .wrongHost)),
            Row("certificate_required", (alert(116), .clientCertificateRequired)),
        ] as [Row<([UInt8], TLSError.Code)>])
    func answerThatEndsTheHandshakeIsNamed(_ row: Row<([UInt8], TLSError.Code)>) throws {
        let session = try session()
        #expect(try !session.continueHandshake())
        unsafe row.value.0.withUnsafeBytes { unsafe session.receive($0) }
        let error = #expect(throws: TLSError.self) { try session.continueHandshake() }
        #expect(error?.code == row.value.1, "\(String(describing: error))")
    }

    @Test func answerInPartsIsWaitedFor() throws {
        let session = try session()
        #expect(try !session.continueHandshake())
        let alert = Self.alert(48)
        unsafe Array(alert.prefix(6)).withUnsafeBytes { unsafe session.receive($0) }
        #expect(try !session.continueHandshake())
        unsafe Array(alert.suffix(1)).withUnsafeBytes { unsafe session.receive($0) }
        #expect(throws: TLSError.self) { try session.continueHandshake() }
    }
}
