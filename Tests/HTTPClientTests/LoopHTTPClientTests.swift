import EventLoop
import Resilience
import TestSupport
import Testing

@testable import HTTPClient

@Suite struct LoopHTTPClientTests {
    private let running = RunningLoop()

    private func makeClient(_ limit: Int = 4, _ lookup: @escaping NameResolver.Lookup = { _ in [] }) -> LoopHTTPClient {
        LoopHTTPClient(running.loop, resolver: NameResolver(running.loop, lookup: lookup), connectionLimit: limit)
    }

    private func head(
        _ url: String, _ client: LoopHTTPClient? = nil, timeout: Duration = .seconds(30)
    ) async -> Result<HTTPHead, HTTPError> {
        let client = client ?? makeClient()
        return await running.run { _ in await result(client, url, timeout) }
    }

    private func code(_ result: Result<HTTPHead, HTTPError>) -> String? {
        if case .failure(let error) = result { error.code } else { nil }
    }

    @Test(arguments: [200, 301, 403, 404, 500, 503])
    func statusIsThatOfTheServer(status: Int) async {
        let server = UnhelpfulServer(.answering([.status(status)]))
        #expect(await head("\(server.url)/bucket/key?q=1") == .success(HTTPHead(status: status)))
        #expect(server.requests == 1)
    }

    /// What was signed is what the store has to see, whatever a client makes of dot segments.
    @Test(arguments: ["/b/a%20b?X-Amz-Date=20260101T000000Z&x=%2F", "/b/../a/./b//c?q", "/"])
    func pathAndQueryAreSentAsTheyStand(target: String) async {
        let server = UnhelpfulServer(.answering([.status(200)]))
        #expect(await head(server.url + target) == .success(HTTPHead(status: 200)))
        #expect(
            server.lastRequest?.hasPrefix("HEAD \(target) HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\n") == true)
    }

    @Test func eachCallHasItsOwnPath() async {
        let server = UnhelpfulServer(.answering([.status(200)])), client = makeClient()
        for target in ["/a?b", "", "/c"] {
            #expect(await head(server.url + target, client) == .success(HTTPHead(status: 200)))
            #expect(server.lastRequest?.hasPrefix("HEAD \(target.isEmpty ? "/" : target) HTTP/1.1\r\n") == true)
        }
        #expect(server.accepted == 1)
    }

    @Test(arguments: ["/a b", "/a\r\nX: y", "/a#b", "/ä", "?a=/b", "#/b"])
    func pathThatIsNotEncodedIsRefused(target: String) async {
        let server = UnhelpfulServer(.answering([.status(200)]))
        guard case .failure(let error) = await head(server.url + target) else { return #expect(Bool(false)) }
        #expect(error == .malformedURL && server.accepted == 0)
    }

    @Test func callsInARowUseOneConnection() async {
        let server = UnhelpfulServer(.answering([.status(200)])), client = makeClient()
        for _ in 0..<20 { #expect(await head(server.url, client) == .success(HTTPHead(status: 200))) }
        #expect(server.requests == 20 && server.accepted == 1)
    }

    @Test func callsAtTheSameTimeStayWithinTheConnectionLimit() async {
        let server = UnhelpfulServer(.answering([.status(200)])), client = makeClient(4), url = server.url
        let results = await running.run { _ in
            await withTaskGroup(of: Result<HTTPHead, HTTPError>.self) { group in
                for _ in 0..<200 { group.addTask { await result(client, url, .seconds(30)) } }
                return await group.reduce(into: []) { $0.append($1) }
            }
        }
        #expect(results.count == 200 && results.allSatisfy { $0 == .success(HTTPHead(status: 200)) })
        #expect(server.requests == 200 && (1...4).contains(server.accepted))
    }

    /// One call of libcurl in each turn, though many connections are ready.
    @Test func callsWithoutTimeInTheirTurnContinueInTheNext() async {
        let server = UnhelpfulServer(.answering([.status(200)])), url = server.url
        let client = LoopHTTPClient(
            running.loop, NameResolver(running.loop), connectionLimit: 64, turnShare: .zero)
        let turns = running.loop.turns
        let results = await running.run { _ in
            await withTaskGroup(of: Result<HTTPHead, HTTPError>.self) { group in
                for _ in 0..<200 { group.addTask { await result(client, url, .seconds(30)) } }
                return await group.reduce(into: []) { $0.append($1) }
            }
        }
        #expect(results.count == 200 && results.allSatisfy { $0 == .success(HTTPHead(status: 200)) })
        #expect(running.loop.turns - turns >= 200 && server.accepted <= 64)
    }

    @Test func connectionThatTheServerEndedIsReplaced() async {
        let bye = UnhelpfulServer.Answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", closes: true)
        let server = UnhelpfulServer(.answering([bye])), client = makeClient()
        for _ in 0..<5 {
            #expect(await head(server.url, client) == .success(HTTPHead(status: 200)))
            #expect(eventually { server.connections == 0 })
        }
        #expect(server.accepted == 5)
    }

    @Test func silentServerTimesOutAndItsConnectionIsClosed() async {
        let server = UnhelpfulServer(.silent), client = makeClient(1)
        let result = await head(server.url, client, timeout: .milliseconds(50))
        #expect(code(result) == "timeout")
        #expect(eventually { server.accepted == 1 && server.connections == 0 })
        let other = UnhelpfulServer(.answering([.status(200)]))
        #expect(await head(other.url, client) == .success(HTTPHead(status: 200)))
    }

    @Test func callThatFindsNoFreeConnectionInTimeWasNotAttempted() async throws {
        let server = UnhelpfulServer(.silent), client = makeClient(1), url = server.url
        let (second, first) = await running.run { loop in
            async let first = result(client, url, .seconds(600))
            _ = await loop.turnsPass { server.accepted == 1 }
            let second = await result(client, url, .milliseconds(20))
            server.hangUp()
            return (second, await first)
        }
        guard case .failure(let error) = second else { throw Failed() }
        #expect(error.code == "timeout" && !error.wasAttempted)
        #expect(code(first) == "lost")
        #expect(server.accepted == 1)
    }

    @Test func tricklingAnswerTimesOut() async {
        let server = UnhelpfulServer(.trickling(byte: UInt8(ascii: "H"), everyMilliseconds: 5))
        #expect(code(await head(server.url, timeout: .milliseconds(100))) != nil)
        let headers = UnhelpfulServer(.answering([UnhelpfulServer.Answer("HTTP/1.1 200 OK\r\nX-Slow: ")]))
        #expect(code(await head(headers.url, timeout: .milliseconds(100))) == "timeout")
    }

    @Test(arguments: [
        "", "HTTP/1.1 200 OK\r\nContent-Le", "\0\u{1}garbage\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/1.1 abc\r\n\r\n",
    ])
    func malformedResponseIsLost(text: String) async {
        let server = UnhelpfulServer(.answering([UnhelpfulServer.Answer(text, closes: true)]))
        #expect(code(await head(server.url)) == "lost")
        #expect(eventually { server.connections == 0 })
    }

    @Test func informationalResponseIsSkipped() async {
        let early = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
        let server = UnhelpfulServer(.answering([UnhelpfulServer.Answer(early + "HTTP/1.1 404 Not Found\r\n\r\n")]))
        #expect(await head(server.url) == .success(HTTPHead(status: 404)))
        let brokenOff = UnhelpfulServer(
            .answering([UnhelpfulServer.Answer(early + "HTTP/1.1 200 OK\r\nA: b", closes: true)]))
        #expect(code(await head(brokenOff.url)) == "lost")
    }

    @Test func endlessHeadersCloseTheConnection() async {
        let server = UnhelpfulServer(.flooding)
        #expect(code(await head(server.url)) == "too_large")
        #expect(eventually { server.connections == 0 })
    }

    @Test func refusedConnectionAndUnknownNameAreConnect() async {
        #expect(code(await head("http://127.0.0.1:1")) == "connect")
        #expect(code(await head("http://no-such-host.test")) == "connect")
    }

    @Test(arguments: ["", "http://", "ftp://127.0.0.1/", "file:///etc/passwd", "nonsense"])
    func urlOfAnotherKindIsRefused(url: String) async {
        #expect(code(await head(url)) == "lost")
    }

    /// The name is of a domain that never resolves: libcurl has the address from the resolver alone.
    @Test(arguments: ["store.invalid", "STORE.invalid", "store.invalid."])
    func addressesAreThoseOfTheResolver(host: String) async {
        let server = UnhelpfulServer(.answering([.status(200)]))
        let client = makeClient { _ in ["127.0.0.1"] }
        for _ in 0..<3 {
            #expect(await head("http://\(host):\(server.port)/", client) == .success(HTTPHead(status: 200)))
        }
        #expect(server.accepted == 1)
    }

    @Test func nextAddressIsTriedWhereTheFirstRefuses() async {
        let server = UnhelpfulServer(.answering([.status(200)]))
        let client = makeClient { _ in ["::1", "127.0.0.9", "127.0.0.1"] }
        #expect(await head("http://store.invalid:\(server.port)/", client) == .success(HTTPHead(status: 200)))
    }

    @Test func hostThatMovedIsFoundAtItsNewAddress() async {
        let server = UnhelpfulServer(.answering([.status(200)]), address: 0x7F00_0002)
        let lookups = Locked(0), url = "http://store.invalid:\(server.port)/"
        let client = makeClient { _ in
            lookups.withLock { $0 += 1 }
            return [lookups.withLock { $0 } == 1 ? "127.0.0.9" : "127.0.0.2"]
        }
        #expect(code(await head(url, client)) == "connect")
        var results: [Result<HTTPHead, HTTPError>] = []
        repeat {
            results.append(await head(url, client))
        } while code(results.last!) == "connect" && results.count < 10_000
        #expect(results.last == .success(HTTPHead(status: 200)))
    }

    @Test func hangingResolverDelaysOnlyItsOwnCalls() async {
        let server = UnhelpfulServer(.answering([.status(200)])), gate = ConditionLocked(false), port = server.port
        let client = makeClient(1) { _ in
            gate.wait { $0 ? .done(()) : .wait(until: nil) }
            return ["127.0.0.1"]
        }
        let (hanging, others) = await running.run { _ in
            async let hanging = result(client, "http://store.invalid:\(port)/", .milliseconds(100))
            var others: [Result<HTTPHead, HTTPError>] = []
            for _ in 0..<20 { others.append(await result(client, "http://127.0.0.1:\(port)/", .seconds(30))) }
            return (await hanging, others)
        }
        #expect(code(hanging) == "timeout")
        #expect(others.allSatisfy { $0 == .success(HTTPHead(status: 200)) })
        gate.withLock { $0 = true }
        gate.wakeAll()
        #expect(await head("http://store.invalid:\(port)/", client) == .success(HTTPHead(status: 200)))
    }

    @Test func errorContainsNoURL() async {
        guard case .failure(let error) = await head("http://127.0.0.1:1/CANARY?X-Amz-Signature=CANARY") else { return }
        #expect(!"\(error)".contains("CANARY") && !String(reflecting: error).contains("CANARY"))
    }
}

private nonisolated(nonsending) func result(
    _ client: LoopHTTPClient, _ url: String, _ timeout: Duration
) async -> Result<HTTPHead, HTTPError> {
    do {
        return .success(try await client.head(url, timeout: timeout))
    } catch {
        return .failure(error)
    }
}

private struct Failed: Error {}
