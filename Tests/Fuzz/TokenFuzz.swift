@testable import BearerTokens
import Cryptography
import StreamIssuing

private struct Noon: WallClock {
    let now = UnixTime(seconds: 1_767_873_600)
}

private let requirements = ClaimRequirements(issuers: ["i"], audiences: ["a"])

nonisolated(unsafe) private let verifier = TokenVerifier(
    AcceptedTokens(providers: [
        TokenProvider(
            keys: try! KeySet([
                VerificationKey(sharedSecret: SymmetricKey(Array("a secret that no fuzzer knows, of 32 bytes".utf8)))
            ]), requirements: requirements)
    ]), tokenCache: TokenCache(), clock: Noon())

/// A token that can be taken apart is the one encoding of its parts, and none is accepted.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    if let decoded = Base64URL.decode(bytes) { precondition(Array(Base64URL.encode(decoded).utf8) == bytes) }
    precondition(Base64URL.decode(Base64URL.encode(bytes).utf8) == bytes)
    // The input as header text and as claims, so that what comes after the encoding is reached too.
    let encoded = Base64URL.encode(bytes)
    for token in [bytes, Array("\(encoded).\(encoded).AA".utf8)] {
        guard let signature = try? JSONWebSignature(token) else { continue }
        precondition(signature.signingInput.elementsEqual(token.prefix(signature.signingInput.count)))
        precondition(token == Array(signature.signingInput) + Array(("." + Base64URL.encode(signature.signature)).utf8))
    }
    _ = try? PublishedKeys(jsonWebKeySet: bytes)
    _ = try? Claims(bytes, requirements, leeway: .zero, at: UnixTime(seconds: 0))
    let text = String(decoding: bytes, as: UTF8.self)
    for header in [text, "Bearer " + text, "Bearer \(encoded).\(encoded).\(encoded)"] {
        precondition((try? verifier.verify(authorization: header)) == nil)
    }
    return 0
}
