import StrictJSON
import Testing

@testable import StoreAuthorization

@Suite("Secrets in a store's question")
struct StoreSecretsTests {
    private func overwritten(_ text: String) -> String {
        var bytes = Array(text.utf8)
        StoreSecrets.overwrite(&bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test("Ceph's recorded question keeps nothing of the key, and says the same otherwise")
    func secretKeyIsOverwritten() throws {
        var bytes = try RecordedQuestion.rgw.json()
        let before = StoreQuestion(json: bytes)
        StoreSecrets.overwrite(&bytes)
        #expect(!String(decoding: bytes, as: UTF8.self).contains("SECRET"))
        #expect(before != nil && StoreQuestion(json: bytes) == before)
    }

    @Test("Escapes, spaces, several keys, and a text that never ends")
    func formsOfSecrets() {
        #expect(overwritten(#"{"secret_key":"a\/b\"c\\","b":"c"}"#) == #"{"secret_key":"xxxxxxxxx","b":"c"}"#)
        #expect(overwritten(#"[{"secret_key" : "a"},{"val":"bc"}]"#) == #"[{"secret_key" : "x"},{"val":"xx"}]"#)
        #expect(overwritten(#"{"secret_key":"ab"#) == #"{"secret_key":"xx"#)
        #expect(overwritten(#"{"secret_key":"ab\"#) == #"{"secret_key":"xxx"#)
    }

    @Test("What only looks like it stays")
    func otherTextsStay() {
        for text in [
            #"{"object":"\"secret_key\":\"a\""}"#, #"["secret_key","a"]"#, #"{"secret_key":1}"#, #""secret_key""#,
        ] {
            #expect(overwritten(text) == text)
        }
    }
}
