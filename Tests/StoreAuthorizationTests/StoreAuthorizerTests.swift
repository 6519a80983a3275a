import Cryptography
import SigV4
import StreamIssuing
import Testing

@testable import StoreAuthorization

@Suite("Decisions on the recorded questions of both stores")
struct StoreAuthorizerTests {
    private typealias Outcome = StoreAuthorizer.Outcome

    private func decide(
        _ store: RecordedQuestion, _ json: [UInt8], _ refused: RefusedUsers? = RecordedQuestion.noneRefused,
        rules: [AccountRule] = [], expiry: Duration = .seconds(120)
    ) throws -> Outcome {
        let question = try #require(StoreQuestion(json: json))
        return store.authorizer(rules, expiry: expiry).decide(question, refused)
    }

    @Test("A URL of a user who may stream is allowed", arguments: RecordedQuestion.allCases)
    func markedURLIsAllowed(_ store: RecordedQuestion) throws {
        let question = try #require(StoreQuestion(json: try store.json()))
        #expect(question.account == store.signer && question.bucket == "media" && question.object == "audio/a b.mp3")
        #expect(try decide(store, store.json()) == .allowedUser)
    }

    @Test("A user's URLs of ended sessions are refused, later ones are not", arguments: RecordedQuestion.allCases)
    func endedSessionsAreRefused(_ store: RecordedQuestion) throws {
        var refused = RecordedQuestion.noneRefused
        refused.refuse(RecordedQuestion.marker.user("01HXK0000000000000000000B0"), upTo: 9)
        #expect(try decide(store, store.json(), refused) == .allowedUser)
        refused.refuse(RecordedQuestion.marker.user(RecordedQuestion.user.description), upTo: 5)
        refused.refuse(RecordedQuestion.marker.user(RecordedQuestion.user.description), upTo: 3)
        #expect(try decide(store, store.json(), refused) == .sessionsEnded)
        #expect(try decide(store, store.json(mark: RecordedQuestion.mark(epoch: 6)), refused) == .allowedUser)
    }

    @Test(
        "A user's URLs of an object are refused, whatever their epoch, and no other's",
        arguments: RecordedQuestion.allCases)
    func endedAccessIsRefused(_ store: RecordedQuestion) throws {
        let user = RecordedQuestion.marker.user(RecordedQuestion.user.description)
        var refused = RecordedQuestion.noneRefused
        refused.refuse(user, object: "audio/a+b.mp3")
        #expect(try decide(store, store.json(), refused) == .allowedUser)
        refused.refuse(user, object: "audio/a b.mp3")
        for epoch in [Int64(0), 5, 15] {
            #expect(try decide(store, store.json(mark: RecordedQuestion.mark(epoch: epoch)), refused) == .accessEnded)
        }
    }

    @Test("MinIO: an object with the tag of revocation is refused to users and look-ups, and one with others is not")
    func taggedObjectIsRefused() throws {
        let store = RecordedQuestion.minIO
        func tagged(_ name: String, _ value: String) -> [String: String] {
            ["\"conditions\": {": "\"conditions\": {\"ExistingObjectTag/\(name)\": [\"\(value)\"],"]
        }
        let revoked = tagged("novatune-revoked", "true")
        #expect(try decide(store, store.json(replacing: revoked)) == .revokedObject)
        let lookup = ["\"response-content-type\"": "\"unnamed\""].merging(revoked) { $1 }
        #expect(try decide(store, store.unmarked(replacing: lookup)) == .revokedObject)
        for other in [tagged("novatune-revoked", "false"), tagged("mood", "true")] {
            #expect(try decide(store, store.json(replacing: other)) == .allowedUser)
        }
    }

    @Test("Both keys of a rotation are known, and another is not", arguments: RecordedQuestion.allCases)
    func keysOfARotation(_ store: RecordedQuestion) throws {
        let next = try UserMarker(SymmetricKey(1..<33))
        let json = try store.json(mark: RecordedQuestion.mark(by: next))
        #expect(try decide(store, json) == .unknownKey)
        var both = RefusedUsers(keyNames: [RecordedQuestion.marker.keyName, next.keyName])
        #expect(try decide(store, json, both) == .allowedUser)
        both.refuse(next.user(RecordedQuestion.user.description), upTo: 5)
        #expect(try decide(store, json, both) == .sessionsEnded)
    }

    @Test("A URL without a mark, or with another text for one, is refused", arguments: RecordedQuestion.allCases)
    func unmarkedURLIsRefused(_ store: RecordedQuestion) throws {
        #expect(try decide(store, store.unmarked()) == .unmarked)
        for text in ["", "0123abcd", String(repeating: "f", count: 56), RecordedQuestion.mark() + "0"] {
            #expect(try decide(store, store.json(mark: text)) == .unmarked)
        }
    }

    @Test("The responder's own look-up needs no mark and no list")
    func lookupIsAllowed() throws {
        let rgw = RecordedQuestion.rgw, minIO = RecordedQuestion.minIO
        let head = ["\"GET\"": "\"HEAD\"", "response-content-type=audio%2Fmpeg&": ""]
        #expect(try decide(rgw, rgw.unmarked(replacing: head), nil) == .allowedLookup)
        #expect(try decide(rgw, rgw.unmarked(replacing: ["response-content-type=audio%2Fmpeg&": ""])) == .unmarked)
        let lookup = ["\"response-content-type\"": "\"unnamed\""]
        #expect(try decide(minIO, minIO.unmarked(replacing: lookup), nil) == .allowedLookup)
    }

    @Test("A list that is too old allows no URL", arguments: RecordedQuestion.allCases)
    func staleListFailsClosed(_ store: RecordedQuestion) throws {
        #expect(try decide(store, store.json(), nil) == .stale)
    }

    @Test("A URL that outlives the list's entries is refused", arguments: RecordedQuestion.allCases)
    func longURLIsRefused(_ store: RecordedQuestion) throws {
        #expect(try decide(store, store.json(), expiry: .seconds(119)) == .longLived)
        let without = store == .rgw ? ["X-Amz-Expires=120&": ""] : ["X-Amz-Expires": "X-Amz-Other"]
        #expect(try decide(store, store.json(replacing: without)) == .longLived)
    }

    @Test("The signer does nothing but read objects of the bucket", arguments: RecordedQuestion.allCases)
    func signerReadsAlone(_ store: RecordedQuestion) throws {
        var others = [["\"media\"": "\"other\""], ["\"audio/a b.mp3\"": "\"\""]]
        switch store {
        case .minIO:
            others += ["PutObject", "DeleteObject", "ListBucket", "GetObjectTagging", "GetObject*"].map {
                ["s3:GetObject": "s3:\($0)"]
            }
            #expect(
                try decide(store, store.json(replacing: ["s3:GetObject": "s3:GetObjectRetention"])) == .allowedUser)
        case .rgw:
            others += ["PUT", "DELETE", "POST", "get"].map { ["\"GET\"": "\"\($0)\""] }
            others += [["X-Amz-Date=": "acl&X-Amz-Date="], ["\"tenant\": \"\"": "\"tenant\": \"t\""]]
        }
        for change in others { #expect(try decide(store, store.json(replacing: change)) == .notRead, "\(change)") }
    }

    @Test("A bucket of the signer's tenant, and of another one")
    func tenants() throws {
        let store = RecordedQuestion.rgw
        let json = try store.json(replacing: [
            "\"tenant\": \"\"": "\"tenant\": \"t\"", "\"user_id\": \"signer\"": "\"user_id\": \"t$signer\"",
        ])
        let question = try #require(StoreQuestion(json: json))
        func outcome(_ bucket: String) -> Outcome {
            StoreAuthorizer(signers: ["t$signer"], rules: [], bucket: bucket, expiry: .seconds(120))
                .decide(question, RecordedQuestion.noneRefused)
        }
        #expect(
            outcome("media") == .allowedUser && outcome("t:media") == .allowedUser && outcome("u:media") == .notRead)
    }

    @Test("A browser's preflight of the audio bucket is allowed, whatever its account, and no other OPTIONS is")
    func preflight() throws {
        let store = RecordedQuestion.rgw
        func outcome(_ changes: [String: String], signer: String = "signer") throws -> Outcome {
            let preflight = ["\"GET\"": "\"OPTIONS\"", "\"user_id\": \"signer\"": "\"user_id\": \"anonymous\""]
            let json = try store.json(replacing: preflight.merging(changes) { $1 })
            return StoreAuthorizer(signers: [signer], rules: [], bucket: "media", expiry: .seconds(120))
                .decide(try #require(StoreQuestion(json: json)), nil)
        }
        #expect(try outcome([:]) == .allowedPreflight)
        #expect(try outcome(["\"user_id\": \"signer\"": "\"user_id\": \"signer\""]) == .allowedPreflight)
        #expect(try outcome(["\"media\"": "\"other\""]) == .notListed)
        #expect(try outcome(["\"GET\"": "\"GET\""]) == .notListed)
        let tenant = ["\"tenant\": \"\"": "\"tenant\": \"t\""]
        #expect(try outcome(tenant) == .notListed && outcome(tenant, signer: "t$signer") == .allowedPreflight)
        let minIO = RecordedQuestion.minIO
        #expect(try decide(minIO, minIO.json(replacing: ["s3:GetObject": "OPTIONS"])) == .notRead)
    }

    @Test("Other accounts, the owner included, do what the operator lists")
    func accountsAreListed() throws {
        func outcome(_ store: RecordedQuestion, _ account: String, _ rule: String, _ more: [String: String] = [:])
            throws -> Outcome
        {
            let name = store == .minIO ? "\"account\": \"stream-signer\"" : "\"user_id\": \"signer\""
            let other = store == .minIO ? "\"account\": \"\(account)\"" : "\"user_id\": \"\(account)\""
            return try decide(
                store, store.json(replacing: [name: other].merging(more) { $1 }), nil,
                rules: rule.split(separator: " ").compactMap { AccountRule($0) })
        }
        let put = ["s3:GetObject": "s3:PutObject"]
        let owner = ["\"owner\": false": "\"owner\": true"]
        for (rule, expected) in [
            ("", Outcome.notListed), ("a=s3:PutObject", .allowedAccount), ("a=s3:Put*", .allowedAccount),
            ("a=*@*", .allowedAccount), ("a=s3:PutObject@other", .notListed), ("a=s3:PutObjec", .notListed),
            ("a=s3:GetObject,s3:PutObject@other,media", .allowedAccount), ("b=*@*", .notListed),
        ] {
            #expect(try outcome(.minIO, "a", rule, put) == expected, "\(rule)")
            #expect(try outcome(.minIO, "a", rule, put.merging(owner) { $1 }) == expected, "\(rule)")
        }
        let none = ["\"bucket\": \"media\"": "\"bucket\": \"\""]
        #expect(try outcome(.minIO, "a", "a=*", none) == .notListed)
        #expect(try outcome(.minIO, "a", "a=*@*", none) == .allowedAccount)
        #expect(try outcome(.rgw, "a", "a=none") == .allowedAccount, "RGW's own policies decide on actions")
        #expect(try outcome(.rgw, "a", "a=none@other") == .notListed)
        #expect(try outcome(.rgw, "anonymous", "") == .notListed)
    }

    @Test("Rules that are none", arguments: ["", "a", "=s3:GetObject", "a=", "a=x,", "a=x@", "a=x@b,", "a=x@b@c"])
    func malformedRule(_ text: String) {
        #expect(AccountRule(text) == nil)
    }

    @Test(
        "What is no question of a store",
        arguments: ["", "{}", "[]", "text", "{\"input\":{}}", "{\"input\":{\"account\":\"a\"}}"])
    func otherTextIsNoQuestion(_ text: String) {
        #expect(StoreQuestion(json: Array(text.utf8)) == nil)
    }

    @Test(
        "Cut or changed anywhere, a question never ends the process, and never allows more",
        arguments: RecordedQuestion.allCases)
    func mutatedQuestions(_ store: RecordedQuestion) throws {
        let json = try store.json()
        let user = RecordedQuestion.marker.user(RecordedQuestion.user.description)
        var refused = RecordedQuestion.noneRefused
        refused.refuse(user, upTo: 5)
        var random = SplitMix(state: 21)
        for _ in 0..<4000 {
            var bytes = json
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1...40, using: &random)))
                default: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 40)], at: place)
                }
                if bytes.isEmpty { break }
            }
            StoreSecrets.overwrite(&bytes)
            guard let question = StoreQuestion(json: bytes) else { continue }
            // What is left of the refused user's mark may be that of a look-up, or of an epoch that is not refused; not the same.
            let outcome = store.authorizer().decide(question, refused)
            if outcome == .allowedUser { #expect(question.parameters["x-nt-u"] != [RecordedQuestion.mark()]) }
        }
    }
}

private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
