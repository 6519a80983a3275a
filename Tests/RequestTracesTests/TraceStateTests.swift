import TestSupport
import Testing

@testable import RequestTraces

@Suite struct TraceStateTests {
    private static let longName = String(repeating: "a", count: 256)
    private static let longValue = String(repeating: "v", count: 256)

    private func member(_ key: String, length: Int) -> String {
        "\(key)=" + String(repeating: "x", count: length - key.utf8.count - 1)
    }

    @Test(arguments: [
        Row("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"),
        Row("a=1 ,\t b=2", "a=1,b=2"), Row(" a=1,,b=2, ", "a=1,b=2"),
        Row("fw529a3039@dt=FfAzZ_a5", "fw529a3039@dt=FfAzZ_a5"),
        Row("0t@v=1", "0t@v=1"), Row("a_-*/9= x y!~", "a_-*/9= x y!~"), Row("\(longName)=1", "\(longName)=1"),
        Row("a=\(longValue)", "a=\(longValue)"),
    ])
    func stateIsKeptWithoutSpacesAroundItsMembers(_ row: Row<String>) throws {
        #expect(try #require(TraceState(row.name)).description == row.value)
    }

    @Test(arguments: [
        "", " ", ",", "a", "=1", "a=", "a= ", "A=1", "9=1", "a=1,b", "a=b=c", "a=é", "é=1", "a=\u{7F}", "a=\u{1}",
        "a b=1",
        "a=1,a=2", "@v=1", "t@=1", "t@9=1", "t@v@w=1", "\(longName)a=1", "a=\(longValue)v", "t@aaaaaaaaaaaaaaa=1",
        "Bearer eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl", "a=1\u{301},b=2",
    ])
    func textThatIsNoStateIsDiscardedAsAWhole(_ text: String) {
        #expect(TraceState(text) == nil)
    }

    @Test func atMost32MembersAreTaken() throws {
        let members = (0..<33).map { "k\($0)=v" }
        #expect(try #require(TraceState(members.prefix(32).joined(separator: ","))).description.contains("k31=v"))
        #expect(TraceState(members.joined(separator: ",")) == nil)
    }

    @Test func stateOf512CharactersIsKeptAsAWhole() throws {
        let text = [member("a", length: 255), member("b", length: 256)].joined(separator: ",")
        #expect(text.utf8.count == 512 && TraceState(text)?.description == text)
    }

    @Test func longMembersAreLeftOutFirst() throws {
        let (short, long, last) = (member("a", length: 128), member("b", length: 257), member("c", length: 128))
        #expect(TraceState([short, long, last].joined(separator: ","))?.description == "\(short),\(last)")
    }

    @Test func membersAtTheEndAreLeftOutNext() throws {
        let members = ["a", "b", "c", "d"].map { member($0, length: 128) }
        // Three separators make it 515.
        #expect(TraceState(members.joined(separator: ","))?.description == members.prefix(3).joined(separator: ","))
    }

    @Test func noTextStopsTheProcessOrExceedsTheLimit() {
        var random = SeededRandom(seed: 1)
        let text = Array(
            "fw529a3039@dt=FfAzZ_a5,rojo=00f067aa0ba902b7, congo=t61rcWkgMzE,\(member("long", length: 500))".utf8)
        for _ in 0..<20_000 {
            let state = TraceState(String(decoding: random.mutated(text), as: UTF8.self))
            #expect((state?.description.utf8.count ?? 1) <= TraceState.maximumLength)
        }
    }
}
