import BearerTokens
import TestSupport
import Testing

@testable import ProviderKeys

@Suite struct KeyFetchTests {
    private func fetch(
        _ server: UnhelpfulServer, discovery: Bool = false, within limit: Duration = .seconds(30)
    ) throws -> Result<FetchedKeys, KeyFetchFailure> {
        let location = try KeyLocation(discovery ? .discovery(issuer: server.url) : .keys(server.url + "/keys"))
        return Result { () throws(KeyFetchFailure) in
            try KeyFetch(location, within: limit).keys(at: location.address, for: SignatureAlgorithm.usual)
        }
    }

    private func failure(_ answers: UnhelpfulServer.Answer...) throws -> KeyFetchFailure {
        let server = UnhelpfulServer(.answering(answers))
        let result = try fetch(server)
        guard case .failure(let failure) = result else { throw Accepted() }
        return failure
    }

    private struct Accepted: Error {}

    @Test func setIsReadWithItsAge() throws {
        let server = UnhelpfulServer(
            .answering([PublishedSet.answer(PublishedSet.one, headers: ["Cache-Control: max-age=600"])]))
        let fetched = try fetch(server).get()
        #expect(fetched.keys.keys.map(\.id) == ["a"] && fetched.maximumAge == .seconds(600))
        #expect(fetched.text == Array(PublishedSet.one.utf8))
    }

    @Test func ageIsReadFromEachLineOfTheHeader() throws {
        let server = UnhelpfulServer(
            .answering([
                PublishedSet.answer(PublishedSet.one, headers: ["Cache-Control: public", "Cache-Control: max-age=600"])
            ]))
        #expect(try fetch(server).get().maximumAge == .seconds(600))
    }

    @Test(arguments: [301, 302, 303, 307, 308])
    func redirectOnTheSameHostIsFollowed(status: Int) throws {
        let server = UnhelpfulServer(
            .answering([
                PublishedSet.answer("", status: status, headers: ["Location: /elsewhere"]),
                PublishedSet.answer(PublishedSet.one),
            ]))
        #expect(try fetch(server).get().keys.keys.count == 1 && server.requests == 2)
    }

    @Test(arguments: [
        "http://127.0.0.2:9/keys", "//127.0.0.2/keys", "https://127.0.0.1/keys", "keys", "", "file:///etc/passwd",
        "http://user@127.0.0.1/keys",
    ])
    func redirectToAnotherHostIsNotFollowed(target: String) throws {
        let failure = try failure(PublishedSet.answer("", status: 302, headers: ["Location: \(target)"]))
        #expect(failure.kind == .invalid)
    }

    @Test func redirectsWithoutEndAreInvalid() throws {
        let server = UnhelpfulServer(.answering([PublishedSet.answer("", status: 302, headers: ["Location: /keys"])]))
        guard case .failure(let failure) = try fetch(server) else { throw Accepted() }
        #expect(failure.kind == .invalid && server.requests == KeyFetch.redirects + 1)
    }

    @Test(arguments: [429, 500, 502, 503])
    func providerThatFailsIsUnreachable(status: Int) throws {
        #expect(try failure(PublishedSet.answer("", status: status)).kind == .unreachable)
    }

    @Test func failureHasTheProvidersRetryAfter() throws {
        #expect(
            try failure(PublishedSet.answer("", status: 503, headers: ["Retry-After: 60"])).retryAfter == .seconds(60))
        #expect(try failure(PublishedSet.answer("", status: 503)).retryAfter == nil)
    }

    @Test(arguments: [204, 304, 400, 401, 403, 404])
    func otherAnswerIsInvalid(status: Int) throws {
        #expect(try failure(PublishedSet.answer("", status: status)).kind == .invalid)
    }

    @Test(arguments: [
        "", "<html>", "{}", "[]", #"{"keys":[]}"#, #"{"keys":[{"kty":"oct","alg":"HS256","k":"AAAA"}]}"#,
        // Of an algorithm that is not allowed.
        #"{"keys":[{"kty":"EC","crv":"P-521","x":"AA","y":"AA"}]}"#,
    ])
    func setWithoutAUsableKeyIsInvalid(body: String) throws {
        #expect(try failure(PublishedSet.answer(body)).kind == .invalid)
    }

    @Test func publishedSecretIsNoKey() throws {
        let secret = String(repeating: "QUJD", count: 20)
        let set = PublishedSet.set(PublishedSet.key, #"{"kty":"oct","alg":"HS256","kid":"s","k":"\#(secret)"}"#)
        let keys = try fetch(UnhelpfulServer(.answering([PublishedSet.answer(set)]))).get().keys
        #expect(keys.keys.map(\.id) == ["a"] && keys.skipped.map(\.name) == ["kid s"])
    }

    @Test func answerOfTenMegabytesIsInvalid() throws {
        #expect(
            try failure(PublishedSet.answer(String(repeating: " ", count: 10 << 20), closes: true)).kind == .invalid)
    }

    @Test func silenceIsBoundedAndUnreachable() throws {
        for behaviour in [
            UnhelpfulServer.Behaviour.silent, .hangsUp, .trickling(byte: 0x20, everyMilliseconds: 10),
        ] {
            let server = UnhelpfulServer(behaviour)
            guard case .failure(let failure) = try fetch(server, within: .milliseconds(200)) else { throw Accepted() }
            #expect(failure.kind == .unreachable)
        }
    }

    @Test func discoveryAsksBothAddressesAndThenForTheKeys() throws {
        let document = #"{"issuer":"http://127.0.0.1:{port}","jwks_uri":"http://127.0.0.1:{port}/k"}"#
        let server = UnhelpfulServer(
            .answering([
                PublishedSet.answer("", status: 404),
                UnhelpfulServer.Answer("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n\(document)", closes: true),
                PublishedSet.answer(PublishedSet.one),
            ]))
        #expect(try fetch(server, discovery: true).get().keys.keys.count == 1 && server.requests == 3)
    }

    @Test func discoveryThatFailsIsUnreachableWithoutASecondQuestion() throws {
        let server = UnhelpfulServer(.answering([PublishedSet.answer("", status: 503)]))
        guard case .failure(let failure) = try fetch(server, discovery: true) else { throw Accepted() }
        #expect(failure.kind == .unreachable && server.requests == 1)
    }
}
