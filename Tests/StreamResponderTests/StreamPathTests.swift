import StreamIssuing
import TestSupport
import Testing

@testable import StreamResponder

@Suite struct StreamPathTests {
    @Test(arguments: [
        Row("/tracks/01HXK/stream", TrackPart.audio), Row("/tracks/01HXK/waveform", .waveform),
    ])
    func pathNamesTrackAndPart(_ row: Row<TrackPart>) throws {
        let path = try #require(StreamPath(row.name))
        #expect(path.trackText == "01HXK" && path.part == row.value)
        #expect(row.name.hasSuffix(row.value.route))
    }

    @Test(arguments: [
        "", "/", "/tracks/", "/tracks/x", "/tracks/x/", "/tracks//stream", "/tracks/x/y/stream", "/tracks/x/stream/",
        "/tracks/x/streams", "/tracks/x/Waveform", "/tracks/x/wave", "/track/x/stream", "tracks/x/stream",
        "/tracks/x/stream\u{301}",
    ])
    func otherPathIsNone(path: String) {
        #expect(StreamPath(path) == nil)
    }

    @Test func noPathIsNone() { #expect(StreamPath(nil) == nil) }
}
