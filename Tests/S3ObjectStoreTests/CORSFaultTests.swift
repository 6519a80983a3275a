import S3ObjectStore
import Testing

@Suite struct CORSFaultTests {
    private static let origin = "https://player.example"
    private static let needed = "ETag, Content-Range"

    private func fault(_ allowOrigin: String? = origin, _ exposeHeaders: String? = needed) -> CORSFault? {
        CORSFault(origin: Self.origin, allowOrigin: allowOrigin, exposeHeaders: exposeHeaders)
    }

    @Test(arguments: [
        needed, "etag,content-range", "Content-Length, CONTENT-RANGE ,\tETAG, x-amz-request-id",
        "Content-Range, Accept-Ranges, ETag", "*", "x-amz-request-id, *",
    ])
    func listThatHasBothNamesHidesNothing(exposeHeaders: String) {
        #expect(fault(Self.origin, exposeHeaders) == nil && fault("*", exposeHeaders) == nil)
    }

    @Test(arguments: [
        ("Content-Range, Content-Length", ["ETag"]), ("ETag, Accept-Ranges", ["Content-Range"]),
        ("X-ETag, Content-Range-2", ["ETag", "Content-Range"]), ("", ["ETag", "Content-Range"]),
    ])
    func namesThatAreNotListedAreHidden(exposeHeaders: String, hidden: [String]) {
        #expect(fault(Self.origin, exposeHeaders) == .hidden(hidden))
    }

    @Test func answerWithoutAListHidesBoth() {
        #expect(fault("*", nil) == .hidden(["ETag", "Content-Range"]))
    }

    @Test(arguments: [
        "https://other.example", "https://player.example/", "https://Player.example", "http://player.example", "null",
        "",
    ])
    func originIsComparedByteByByte(allowOrigin: String) {
        #expect(fault(allowOrigin) == .otherOrigin)
    }

    @Test func originIsMissingWithoutItsHeader() {
        #expect(fault(nil) == .noOrigin && fault(nil, nil) == .noOrigin)
    }

    @Test(arguments: ["https://player.example, https://player.example", "*, https://player.example", "*, *"])
    func browsersTakeNoListOfOrigins(allowOrigin: String) {
        #expect(fault(allowOrigin) == .severalOrigins)
    }
}
