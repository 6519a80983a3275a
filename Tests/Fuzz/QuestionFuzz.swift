@testable import StoreAuthorization

private let authorizer = StoreAuthorizer(
    signers: ["signer", "stream-signer"], rules: [AccountRule("a=s3:Put*@media")!], bucket: "media",
    expiry: .seconds(120))

/// No question is allowed as a player's where no key is known, and no request is longer than its limit.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    if case .complete(let request) = WebhookRequest.read(bytes.span, limit: 2048) {
        precondition(request.body.upperBound <= min(bytes.count, 2048))
    }
    var overwritten = bytes
    StoreSecrets.overwrite(&overwritten)
    precondition(overwritten.count == bytes.count)
    for body in [bytes, overwritten] {
        guard let question = StoreQuestion(json: body) else { continue }
        precondition(authorizer.decide(question, RefusedUsers(keyNames: [])) != .allowedUser)
        precondition(authorizer.decide(question, nil) != .allowedUser)
    }
    return 0
}
