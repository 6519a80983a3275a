import Cryptography
import KeyManagement
import TestSupport
import Testing

/// What sources know without a command and without a service.
@Suite struct LocalKeyRingTests {
    private let place: TemporaryDirectory
    private let ring: KeyRing

    init() throws {
        place = try TemporaryDirectory()
        ring = try KeyRing(current: "v1", keys: ["v1": SymmetricKey.random()])
    }

    @Test func ringWithoutACommandOrAServiceIsRead() throws {
        let file = try place.write(KeyRingDocument.plain(ring).json, as: "ring")
        #expect(try FileKeyRing(file).readLocally() == ring)
        #expect(try FileKeyRing(file, wrapping: TransposingWrapping()).readLocally() == ring)
        let text = String(decoding: KeyRingDocument.plain(ring).json, as: UTF8.self)
        #expect(try TextKeyRing(text).readLocally() == ring)
    }

    @Test func ringThatAServiceUnwrapsIsNotKnown() throws {
        let wrapped = try KeyRingDocument.plain(ring).wrapped(by: TransposingWrapping())
        let file = try place.write(wrapped.json, as: "ring")
        #expect(try FileKeyRing(file, wrapping: TransposingWrapping()).readLocally() == nil)
        #expect(throws: KeyRingError.self) { try FileKeyRing(file).readLocally() }
    }

    @Test func commandIsNotRun() throws {
        let marker = place.path("was-run")
        let source = CommandKeyRing(["/usr/bin/touch", marker], timeout: .seconds(10))
        let local: any KeyRingSource = source
        #expect(try local.readLocally() == nil)
        #expect(FileStamp(of: [marker]) == FileStamp(of: []))
        // It prints no ring, but it runs.
        #expect(throws: KeyRingError.self) { try source.read() }
        #expect(FileStamp(of: [marker]) != FileStamp(of: []))
    }

    @Test func badFileIsRefusedWithoutAService() throws {
        let file = try place.write("{", as: "ring")
        #expect(throws: KeyRingError.self) { try FileKeyRing(file, wrapping: TransposingWrapping()).readLocally() }
    }

    @Test func byteOrderMarkBeforeARingIsIgnored() throws {
        let file = try place.write([0xEF, 0xBB, 0xBF] + KeyRingDocument.plain(ring).json, as: "ring")
        #expect(try FileKeyRing(file).read() == ring && KeyRingFile(file).read() == .plain(ring))
    }
}
